"""Section K of the catalogue: what an application is told by the back channel."""

import base64
import json

from flask import Flask

from tests.relying_party import RelyingParty, add_client, add_person, log_in


def test_k202_a_logout_token_holds_what_the_specification_asks_and_no_nonce(app: Flask) -> None:
    """OpenID Connect Back-Channel Logout section 2.4."""
    user_id = add_person(app)
    add_client(app, "told", backchannel_logout_uri="https://client.example.com/logout")
    browser = app.test_client()
    log_in(browser)
    tokens = RelyingParty(browser, "told").tokens()
    with app.app_context():
        services = app.extensions["services"]
        client = services.clients.get("told")
        token = services.tokens.logout_token(client, user_id, _part(tokens["id_token"], 1)["sid"])
    head, claims = _part(token, 0), _part(token, 1)
    assert head["typ"] == "logout+jwt"
    assert head["alg"] == "RS256"
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120


def _part(token: str, number: int) -> dict[str, object]:
    part = token.split(".")[number]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found

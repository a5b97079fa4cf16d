"""What was sealed or signed with another secret: named, never a 500, and good again when the secret is there."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from tests.relying_party import PASSWORD, RelyingParty, add_client, add_person, csrf_token, log_in

MakeApp = Callable[..., Flask]
OLD, NEW = "the-older-secret-of-forms-32-characters", "the-newer-secret-of-forms-32-characters"
LEAVE = "https://client.example.com/bye"


def ready(app: Flask) -> tuple[int, Any]:
    response = app.test_client().get("/ready")
    return response.status_code, response.json


def change(app: Flask, statement: str, **values: object) -> None:
    with app.app_context():
        db = app.extensions["services"].db
        db.session.execute(sa.text(statement), values)
        db.commit()


def is_without_500(app: Flask) -> None:
    """Nothing breaks; what needs a signature waits for better times."""
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    assert len((browser.get("/.well-known/jwks.json").json or {})["keys"]) >= 3
    party = RelyingParty(browser, "spa")
    assert party.redeem(party.code()).status_code == 503
    for path in ("/", "/developers", "/account", "/health", "/.well-known/openid-configuration"):
        assert browser.get(path).status_code in {200, 302, 404}


@pytest.fixture
def seeded(database_url: str, make_app: MakeApp) -> str:
    app = make_app(database_url)
    add_person(app)
    add_client(app, "spa")
    assert ready(app)[0] == 200
    return database_url


def test_another_encryption_key_is_named_and_breaks_nothing(seeded: str, make_app: MakeApp) -> None:
    right = make_app(seeded)
    tokens = token_of(right)
    wrong_key = Fernet.generate_key().decode()
    wrong = make_app(seeded, ENCRYPTION_KEYS=wrong_key)
    status, said = ready(wrong)
    assert (status, said["status"]) == (503, "unavailable")
    line = said["checks"]["keys"]
    assert re.search(r"The current ES256 key \S+ does not open: ENCRYPTION_KEYS lacks", line)
    assert re.search(r"The current RS256 key \S+ does not open", line)
    assert "\n" not in line
    assert wrong_key not in line
    is_without_500(wrong)
    # What was signed before goes on being good.
    assert RelyingParty(wrong.test_client(), "spa").userinfo(tokens["access_token"]).status_code == 200
    kept = right.extensions["services"].settings.secrets.encryption_keys
    assert ready(make_app(seeded, ENCRYPTION_KEYS=",".join([wrong_key, *kept])))[0] == 200


def token_of(app: Flask) -> dict[str, Any]:
    browser = app.test_client()
    log_in(browser)
    return RelyingParty(browser, "spa").tokens()


def test_nothing_is_spent_for_an_answer_that_cannot_be_signed(seeded: str, make_app: MakeApp) -> None:
    right, wrong = make_app(seeded), make_app(seeded, ENCRYPTION_KEYS=Fernet.generate_key().decode())
    secret = add_client(right, "service", grants=["client_credentials"], is_confidential=True, scopes=["read:groups"])
    browser = right.test_client()
    log_in(browser)
    here, there = RelyingParty(browser, "spa"), RelyingParty(wrong.test_client(), "spa")
    code = here.code()
    answer = there.redeem(code)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert there.redeem("never-was").json["error"] == "invalid_grant"
    tokens = here.redeem(code).json
    assert there.refresh(tokens["refresh_token"]).status_code == 503
    later = here.refresh(tokens["refresh_token"]).json
    # Nor is one of the repetitions that a lost answer may have.
    assert [there.refresh(tokens["refresh_token"]).status_code for _ in range(3)] == [503] * 3
    assert here.refresh(tokens["refresh_token"]).json["refresh_token"] == later["refresh_token"]
    service = RelyingParty(wrong.test_client(), "service", secret)
    assert service.token(grant_type="client_credentials").status_code == 503
    assert "oauth:service_token:issued" not in told(right, "SELECT action FROM oauth_audit_logs")
    families = "SELECT id FROM token_families"
    before = told(right, families)
    body = {"email": "ada@example.com", "password": PASSWORD}
    assert wrong.test_client().post("/api/v1/auth/login", json=body).status_code == 503
    assert told(right, families) == before


def told(app: Flask, query: str) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.scalars(sa.text(query)))


@pytest.mark.parametrize("column", ["private_sealed", "public_jwk"])
@pytest.mark.parametrize("text", ['""', '{"kty": "EC"}', '{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}', "[]"])
def test_a_damaged_row_is_named_and_breaks_nothing(seeded: str, make_app: MakeApp, column: str, text: str) -> None:
    app = make_app(seeded)
    change(app, f"UPDATE signing_keys SET {column} = :text WHERE status = 'current'", text=text)  # noqa: S608
    status, said = ready(make_app(seeded))
    assert status == 503
    assert re.search(r"The current ES256 key \S+ (does not open|cannot be read)", said["checks"]["keys"])
    browser = make_app(seeded).test_client()
    assert log_in(browser).status_code == 303
    party = RelyingParty(browser, "spa")
    assert party.redeem(party.code()).status_code == 503
    assert browser.get("/.well-known/jwks.json").status_code == 200


def test_who_lost_the_key_for_good_rotates_and_goes_on(seeded: str, make_app: MakeApp) -> None:
    tokens = token_of(make_app(seeded))
    app = make_app(seeded, ENCRYPTION_KEYS=Fernet.generate_key().decode())
    assert ready(app)[0] == 503
    assert app.test_cli_runner().invoke(args=["keys", "rotate"]).exit_code == 0
    assert ready(app)[0] == 200
    party = RelyingParty(app.test_client(), "spa")
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert party.userinfo(token_of(app)["access_token"]).status_code == 200


def form_of(browser: FlaskClient) -> dict[str, str]:
    return {"csrf_token": csrf_token(browser, "/login"), "email": "ada@example.com", "password": PASSWORD}


def moved(browser: FlaskClient, app: Flask) -> FlaskClient:
    """The same browser, at a portal that was started again."""
    other = app.test_client()
    for cookie in (browser.get_cookie("portal_form"), browser.get_cookie("portal_session")):
        if cookie:
            other.set_cookie(cookie.key, cookie.decoded_value)
    return other


def test_what_the_earlier_secret_signed_is_good_where_it_is_known(seeded: str, make_app: MakeApp) -> None:
    before = make_app(seeded, SECRET_KEY=OLD)
    browser = before.test_client()
    form = form_of(browser)
    without = moved(browser, make_app(seeded, SECRET_KEY=NEW)).post("/login", data=form)
    assert without.status_code == 400
    after = make_app(seeded, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD)
    assert moved(browser, after).post("/login", data=form).status_code == 303
    # Signed anew with the present one, which an application that knows no other takes.
    fresh = after.test_client()
    form = form_of(fresh)
    assert moved(fresh, make_app(seeded, SECRET_KEY=NEW)).post("/login", data=form).status_code == 303
    assert moved(fresh, before).post("/login", data=form).status_code == 400


def test_a_sealed_logout_outlives_the_change_of_the_secret(seeded: str, make_app: MakeApp) -> None:
    before = make_app(seeded, SECRET_KEY=OLD)
    add_client(before, "leaving", post_logout=[LEAVE])
    browser = before.test_client()
    log_in(browser)
    query = {"client_id": "leaving", "post_logout_redirect_uri": LEAVE}
    page = browser.get("/api/oauth/logout", query_string=query).text
    form = dict(re.findall(r'name="(csrf_token|request)"[^>]*value="([^"]+)"', page))
    after = moved(browser, make_app(seeded, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD))
    assert after.post("/api/oauth/logout/confirm", data=form).location == LEAVE

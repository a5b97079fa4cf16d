"""Addresses on one's own machine: ports vary for every client (RFC 8252 sections 7.3 and 8.3)."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.cli.test_commands import run
from tests.relying_party import RelyingParty, add_client, add_person, answer, log_in


@pytest.fixture
def party(app: Flask) -> Callable[..., RelyingParty]:
    """A client in the browser of a person who is logged in."""
    add_person(app)
    browser = app.test_client()
    assert log_in(browser).status_code == 303

    def made(client_id: str, is_confidential: bool, *redirects: str) -> RelyingParty:
        registered = {"redirects": redirects, "post_logout": redirects, "is_confidential": is_confidential}
        return RelyingParty(browser, client_id, add_client(app, client_id, **registered))

    return made


@pytest.mark.parametrize("is_confidential", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_port_varies_from_request_to_logout(
    party: Callable[..., RelyingParty], is_confidential: bool, host: str
) -> None:
    client = party("native", is_confidential, f"http://{host}/callback")
    uri = f"http://{host}:53211/callback"
    code = answer(client.authorize(redirect_uri=uri))["code"]
    other = client.redeem(code, redirect_uri=f"http://{host}:53212/callback")
    assert other.json["error"] == "invalid_grant"  # the very same in both requests, RFC 6749 section 4.1.3
    tokens = client.redeem(code, redirect_uri=uri).json
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"http://{host}:60001/callback"}
    answered = client.browser.get("/api/oauth/logout", query_string=asked)
    assert answered.location == f"http://{host}:60001/callback"


@pytest.mark.parametrize("is_confidential", [False, True])
def test_localhost_is_answered_with_what_to_send_instead(
    party: Callable[..., RelyingParty], is_confidential: bool
) -> None:
    client = party("native", is_confidential, "http://localhost:5000/callback")
    headers = {"Accept-Language": "en"}
    for path, name in (("authorize", "redirect_uri"), ("logout", "post_logout_redirect_uri")):
        asked = {"client_id": "native", name: "http://localhost:5001/callback"}
        page = client.browser.get(f"/api/oauth/{path}", query_string=asked, headers=headers)
        assert (page.status_code, "use 127.0.0.1" in page.text) == (400, True)
        elsewhere = client.browser.get(f"/api/oauth/{path}", query_string={**asked, name: "https://a.test/"})
        assert (elsewhere.status_code, "127.0.0.1" in elsewhere.text) == (400, False)


def test_development_takes_its_network_with_a_warning_and_production_does_not(
    app: Flask,
) -> None:
    uri = "http://192.168.0.7:3000/callback"
    result = app.test_cli_runner().invoke(args=["clients", "create", "phone", "--redirect-uri", uri])
    assert (result.exit_code, "Warning: Neighbours" in result.stderr) == (0, True)
    run(app, "clients", "update", "phone", "--add-redirect-uri", "http://host.docker.internal:3000/callback")
    asked = {"client_id": "phone", "redirect_uri": uri, "response_type": "code"}
    assert app.test_client().get("/api/oauth/authorize", query_string=asked).status_code != 400
    clients = app.extensions["services"].clients
    with app.app_context():
        assert "http://192.168.0.7:3000" in clients.browser_origins()
    in_production = type(clients)(clients.db, clients.clock, clients.audit, clients.revocations)
    with app.app_context():
        record = in_production.find("phone")
        assert record is not None
        assert not record.has_redirect_uri(uri)
        assert "http://192.168.0.7:3000" not in in_production.browser_origins()

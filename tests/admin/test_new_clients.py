"""Applications that are registered on pages: each kind, what is refused, and that it works at the protocol."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.account.browsing import send, shown
from tests.admin.offices import administrator
from tests.relying_party import RelyingParty, add_client
from tests.security.answers import is_page

NEW = "/admin/new-client"
HOME = "https://shop.example.com/callback"
LOCAL = "http://localhost:3000/callback"


def registered(office: FlaskClient, kind: str, **values: Any) -> TestResponse:
    """What is answered to the form, seen and sent once more."""
    path = f"{NEW}/{kind}"
    said = {"name": "Corner Shop", "allowed_scopes": ["openid", "profile"], "consent_policy": "implicit", **values}
    seen = send(office, path, **said)
    if seen.status_code != 200:
        return seen
    form = seen.text.partition(f'action="{path}" data-once class="panel-end"')[2].partition("</form>")[0]
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    sent: dict[str, list[str]] = {}
    for name, value in hidden:
        sent.setdefault(name, []).append(unescape(value))
    return send(office, path, **{name: values for name, values in sent.items() if name != "csrf_token"})


def client_id_of(page: TestResponse) -> str:
    found = re.search(r"/admin/clients/([^\"/?]+)\"", page.text.partition("To set it up")[2])
    assert found, page.text
    return found[1]


def secret_of(page: TestResponse) -> str:
    found = re.search(r"data-secret>([^<]+)<", page.text)
    assert found, page.text
    return unescape(found[1])


@pytest.mark.parametrize(
    ("kind", "uri"), [("popup", LOCAL), ("redirect", HOME), ("native", "com.example.app:/callback")]
)
def test_people_log_in_to_what_keeps_no_secret(app: Flask, kind: str, uri: str) -> None:
    office = administrator(app)
    assert f'href="{NEW}/{kind}"' in office.get(NEW).text
    page = registered(office, kind, redirect_uris=f" {uri}\n{uri}\n")
    assert is_page(page, 200)
    assert "data-secret" not in page.text
    assert client_id_of(page) == "corner-shop"
    code = re.sub("<[^>]+>", "", unescape(page.text))
    assert ("PopupOAuthLogin.startAuth()" in code, "client.startRedirect()" in code) == (
        kind == "popup",
        kind == "redirect",
    )
    party = RelyingParty(office, "corner-shop")
    got = party.redeem(party.code(redirect_uri=uri, scope="openid profile"), redirect_uri=uri)
    assert (got.status_code, got.json["scope"]) == (200, "openid profile")
    more = party.redeem(party.code(redirect_uri=uri, scope="openid email"), redirect_uri=uri)
    assert more.json["scope"] == "openid"


def test_a_server_gets_a_secret_that_is_shown_once(app: Flask) -> None:
    office = administrator(app)
    page = registered(office, "web", redirect_uris=HOME, owner="office@example.com", in_development="y")
    assert is_page(page, 200)
    secret = secret_of(page)
    assert "no-store" in page.headers["Cache-Control"]
    party = RelyingParty(office, client_id_of(page), secret)
    got = party.redeem(party.code(redirect_uri=HOME, scope="openid"), redirect_uri=HOME)
    assert (got.status_code, got.json["scope"]) == (200, "openid")
    stranger = RelyingParty(office, client_id_of(page), "another")
    assert stranger.redeem(stranger.code(redirect_uri=HOME, scope="openid"), redirect_uri=HOME).status_code == 401
    overview = office.get("/admin/clients/corner-shop").text
    assert secret not in overview
    assert "In development" in overview
    again = registered(office, "web", client_id="corner-shop", redirect_uris=HOME)
    assert again.status_code == 400
    assert "There is a client of that id already." in again.text
    assert "data-secret" not in again.text


def test_a_service_gets_tokens_and_nobody_logs_in(app: Flask, client: FlaskClient) -> None:
    office = administrator(app)
    page = registered(office, "service", name="야간 작업", allowed_scopes=["admin:users"], redirect_uris=HOME)
    client_id = client_id_of(page)
    assert re.fullmatch(r"app-[0-9a-f]{6}", client_id)
    form = {"grant_type": "client_credentials"}
    got = client.post("/api/oauth/token", data=form, auth=(client_id, secret_of(page)))
    assert (got.status_code, got.json["scope"]) == (200, "admin:users")
    assert HOME not in office.get(f"/admin/clients/{client_id}").text


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"redirect_uris": ""}, "Write at least one address"),
    ({"redirect_uris": "https://*.example.com/"}, "A wildcard is never registered."),
    ({"redirect_uris": "http://shop.example.com/"}, "Use https."),
    ({"redirect_uris": "javascript:alert(1)"}, "scheme"),
    ({"post_logout_redirect_uris": "https://shop.example.com/#done"}, "fragment"),
    ({"name": " "}, "A name has 1 to 100 characters"),
    ({"name": "\u202eshop"}, "A name has 1 to 100 characters"),
    ({"client_id": "two words"}, "A client id has 1 to 100"),
    ({"client_id": "portal"}, "There is a client of that id already."),
    ({"allowed_scopes": []}, "Choose at least one."),
    ({"allowed_scopes": ["openid", "made:up"]}, "Choose at least one."),
    ({"owner": "nobody@example.com"}, "There is no account of that e-mail address."),
    ({"consent_policy": "never"}, "Consent policies are"),
]


def test_what_cannot_be_registered_is_said_beside_what_was_typed(app: Flask) -> None:
    office = administrator(app)
    for values, said in REFUSED:
        page = registered(office, "redirect", **{"client_id": "kept", "redirect_uris": HOME, **values})
        assert is_page(page, 400), values
        read = " ".join(unescape(page.text).split())
        assert said in read, values
        for typed in (value for value in values.values() if isinstance(value, str) and value.strip()):
            assert typed in unescape(page.text) or typed == "never", values
        assert office.get("/admin/clients/kept").status_code == 404


def test_the_call_that_is_shown_does_the_same(app: Flask, client: FlaskClient) -> None:
    office = administrator(app)
    page = send(office, f"{NEW}/web", name="It's 상점", client_id="shop", redirect_uris=HOME, allowed_scopes="openid")
    call = re.search(r"-d '([^']+)' 'http://localhost:8000([^']+)'", unescape(page.text))
    assert call, page.text
    secret = add_client(
        app, "robot", redirects=[], scopes=["admin:oauth"], grants=["client_credentials"], is_confidential=True
    )
    got = client.post("/api/oauth/token", data={"grant_type": "client_credentials"}, auth=("robot", secret or ""))
    token = {"Authorization": f"Bearer {got.json['access_token']}"}
    made = client.post(call[2], data=call[1], content_type="application/json", headers=token)
    assert made.status_code == 201, made.text
    assert "It's 상점" in unescape(office.get("/admin/clients/shop").text)
    party = RelyingParty(office, "shop", made.json["client_secret"])
    assert party.redeem("x" * 43).json["error"] == "invalid_grant"


def test_full_width_letters_of_a_client_id_are_plain_ones(app: Flask) -> None:
    office = administrator(app)
    page = registered(office, "redirect", client_id="ｓｈｏｐ－１", redirect_uris=HOME)
    assert client_id_of(page) == "shop-1"


def test_nothing_is_registered_before_it_was_seen(app: Flask) -> None:
    office = administrator(app)
    page = send(office, f"{NEW}/redirect", name="Corner Shop", redirect_uris=HOME, allowed_scopes=["openid"])
    assert is_page(page, 200)
    assert "What is registered" in shown(page)
    assert office.get("/admin/clients/corner-shop").status_code == 404


def test_addresses_are_advised_on_while_they_are_typed(app: Flask) -> None:
    office = administrator(app)

    def advised(uris: str, kind: str = "popup") -> str:
        page = office.get(f"{NEW}/advice", query_string={"type": kind, "uri": uris})
        return " ".join(re.sub("<[^>]+>", " ", shown(page)).split())

    both = advised(f"{HOME}\n{HOME}/\nhttps://*.example.com/")
    assert both.count("Another address that is registered differs by its final slash alone.") == 2
    assert "Refused: A wildcard is never registered." in both
    assert "silent login works in a hidden frame" in advised(LOCAL)
    assert "It is of another site than the portal" in advised(HOME)
    assert "another site than the portal" not in advised("com.example.app:/callback", "native")
    assert "already" not in advised(f"{HOME}\n{HOME}")
    assert advised("") == ""
    assert len(re.findall("Note:|Refused:", advised("\n".join(f"http://{n}.example.com/" for n in range(500))))) <= 50
    assert "<script" not in office.get(f"{NEW}/advice?type=web&uri=<script>alert(1)</script>").text
    for wrong in ("", "?type=other&uri=x", "?type=web&type=web"):
        assert office.get(f"{NEW}/advice{wrong}").status_code == 404


def test_who_administers_applications_alone_gives_nothing_of_services(app: Flask) -> None:
    keeper = administrator(app, "admin:clients", email="clients@example.com")
    page = keeper.get(f"{NEW}/service")
    assert re.search(r'value="admin:users"[^>]* disabled', page.text)
    refused = registered(keeper, "service", client_id="robot", allowed_scopes=["admin:users"])
    assert refused.status_code == 403
    sneaked = registered(keeper, "redirect", client_id="robot", redirect_uris=HOME, allowed_scopes=["admin:full"])
    assert sneaked.status_code == 403
    assert keeper.get("/admin/clients/robot").status_code == 404
    made = registered(keeper, "service", client_id="robot", allowed_scopes=["read:features"])
    assert is_page(made, 200)

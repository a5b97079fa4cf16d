"""Applications on pages: found, all that is registered about one of them, changed, and what is true at the protocol."""

import re
from base64 import b64decode
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.relying_party import REDIRECT_URI, RelyingParty, add_client, add_person, answer
from tests.security.answers import is_page

CLIENTS = "/admin/clients"
SHOP = f"{CLIENTS}/shop"


def test_applications_are_found_by_what_is_registered(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", name="Corner Shop", consent_policy="always", in_development=True)
    add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[], scopes=["admin:users"])
    rows = {
        "": {"shop", "robot"},
        "q=corner": {"shop"},
        "q=nothing-of-that": set(),
        "server=yes&q=o": {"robot"},
        "server=no&development=yes": {"shop"},
        "consent=always": {"shop"},
        "grant=client_credentials&q=robot": {"robot"},
        "scope=admin:users&q=robot": {"robot"},
        "active=no": set(),
        "ending=30": set(),
        "consent=nonsense&q=corner": {"shop"},
    }
    for query, expected in rows.items():
        page = office.get(f"{CLIENTS}?{query}")
        assert is_page(page, 200), query
        found = set(re.findall(r"/admin/clients/(shop|robot)\"", page.text))
        assert found == expected, query
    assert "No application fits this." in shown(office.get(f"{CLIENTS}?active=no"))
    assert office.get(f"{CLIENTS}?after=nonsense").status_code == 400


def test_a_page_says_all_that_is_registered(app: Flask) -> None:
    office = administrator(app)
    add_client(
        app,
        "shop",
        name="Corner Shop",
        redirects=["https://shop.example.com/callback"],
        scopes=["openid", "email"],
        optional_scopes=["email"],
        consent_policy="once",
        access_token_seconds=600,
    )
    page = shown(office.get(SHOP))
    for each in (
        "Corner Shop",
        "https://shop.example.com/callback",
        "https://shop.example.com",
        "/.well-known/openid-configuration",
        "10 minutes",
        "30 days unused, 90 days at most",
        "People may leave it out",
        "it cannot keep a secret",
    ):
        assert each in page, each
    assert office.get(f"{CLIENTS}/nothing").status_code == 404


def test_a_search_from_everywhere_finds_applications_for_who_administers_them(app: Flask) -> None:
    add_client(app, "shop", name="Corner Shop")
    keeper = administrator(app, "admin:clients", email="clients@example.com")
    other = administrator(app, "admin:users", email="users@example.com")
    assert f'href="{SHOP}"' in keeper.get("/admin/search?q=corner").text
    assert f'href="{SHOP}"' not in other.get("/admin/search?q=corner").text
    assert keeper.get(SHOP).status_code == 200
    assert other.get(SHOP).status_code == 403


def seen(office: FlaskClient, path: str) -> str:
    """What a form was shown beside."""
    found = re.search(r'name="seen" value="([^"]*)"', office.get(path).text)
    assert found
    return unescape(found[1])


def change(office: FlaskClient, part: str, **form: Any) -> TestResponse:
    """See what a change would do, and make it."""
    path = f"{SHOP}/{part}"
    values = {"seen": seen(office, path), **form}
    foreseen = send(office, path, **values)
    assert foreseen.status_code == 200, foreseen.text
    assert "What this does" in foreseen.text
    return send(office, path, **values, sure="y")


def lines(*values: str) -> str:
    return "\r\n".join(values)


def test_what_people_read_is_changed_and_changed_back(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", name="Corner Shop")
    add_person(app, "owner@example.com")
    path = f"{SHOP}/about"
    good = {
        "seen": seen(office, path),
        "name": "Bigger Shop",
        "description": "Sells more",
        "owner": "Owner@Example.com",
        "contacts": lines("shop@example.com", "", "+82 2 000"),
        "home_uri": "https://shop.example.com/",
        "policy_uri": "https://shop.example.com/privacy",
        "is_listed": "y",
    }
    faults = {
        "name": ("\u202ename", "A name has 1 to 100 characters"),
        "owner": ("nobody@example.com", "There is no account of that e-mail address."),
        "contacts": (lines(*"abcdef"), "Contacts are at most 5"),
        "home_uri": ("nowhere", "The home address starts with"),
        "policy_uri": ("http://shop.example.com", "The policy address starts with"),
        "tos_uri": ("javascript:alert(1)", "The terms address starts with"),
        "logo_uri": ("data:x", "The logo address starts with"),
    }
    for field, (value, said) in faults.items():
        refused = send(office, path, **{**good, field: value})
        assert refused.status_code == 400
        text = " ".join(unescape(refused.text).split())
        assert f'id="{field}-error">{said}' in text, field
        assert "Sells more" in text
    made = send(office, path, **good)
    assert made.status_code == 303
    page = office.get(made.location)
    for each in ("Bigger Shop", "Sells more", "owner@example.com", "+82 2 000", "It counts at once."):
        assert each in shown(page), each
    undo = unescape(re.search(rf'href="({SHOP}/undo[^"]+)"', page.text)[1])  # type: ignore[index]
    assert "Bigger Shop" in shown(office.get(undo))
    assert send(office, undo).location == SHOP
    assert "Corner Shop" in shown(office.get(SHOP))
    assert office.get(undo).status_code == 400
    assert send(office, path, **{**good, "name": "Third"}).status_code == 400  # changed since it was shown
    row = Facts(app).all("SELECT actor FROM oauth_audit_logs WHERE action = 'client:changed'")
    assert len(row) == 2
    assert all(each.actor for each in row)


def test_an_address_counts_at_once_and_one_that_is_gone_is_refused(app: Flask) -> None:
    office, new = administrator(app), "https://new.example.com/callback"
    add_client(app, "shop")
    client = RelyingParty(office, "shop")
    assert client.authorize(redirect_uri=new).status_code == 400
    path = f"{SHOP}/addresses"
    for bad, said in {
        "http://shop.example.com/": "Use https.",
        "https://*.example.com": "A wildcard is never registered.",
        "": "The authorization code grant needs a redirect URI.",
    }.items():
        refused = send(office, path, seen=seen(office, path), redirect_uris=bad)
        assert refused.status_code == 400
        assert f'id="redirect_uris-error">{said}' in refused.text
    several = send(office, path, seen=seen(office, path), redirect_uris=lines(REDIRECT_URI, "", "*", "nothing"))
    assert 'id="redirect_uris-error">Line 3: A wildcard is never registered.' in several.text
    assert "Line 4: Begin with https://" in several.text
    foreseen = send(office, path, seen=seen(office, path), redirect_uris=lines(REDIRECT_URI, new))
    assert "It is of another site than the portal" in shown(foreseen)
    assert client.authorize(redirect_uri=new).status_code == 400
    made = change(office, "addresses", redirect_uris=lines(REDIRECT_URI, new), post_logout_redirect_uris=new)
    assert made.status_code == 303
    assert answer(client.authorize(redirect_uri=new))["code"]
    undo = unescape(re.search(rf'href="({SHOP}/undo[^"]+)"', office.get(made.location).text)[1])  # type: ignore[index]
    assert send(office, undo).status_code == 303
    assert client.authorize(redirect_uri=new).status_code == 400
    assert change(office, "addresses", redirect_uris=new).status_code == 303
    assert client.authorize().status_code == 400
    assert answer(client.authorize(redirect_uri=new))["code"]


def test_what_it_may_ask_for_is_changed(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop")
    client = RelyingParty(office, "shop")
    tokens = client.tokens()
    assert client.userinfo(tokens["access_token"]).json["email"]
    kept = {"grant_types": ["authorization_code", "refresh_token"], "consent_policy": "implicit"}
    made = change(office, "access", **kept, allowed_scopes=["openid", "offline_access"])
    assert made.status_code == 303
    assert "email" not in client.userinfo(tokens["access_token"]).json
    refused = client.authorize(scope="openid email")
    assert "email" not in str(client.redeem(answer(refused)["code"]).json.get("scope", ""))
    assert (
        change(office, "access", **{**kept, "consent_policy": "always"}, allowed_scopes=["openid"]).status_code == 303
    )
    assert "/consent" in client.authorize().location
    without = {**kept, "grant_types": ["authorization_code"]}
    assert change(office, "access", **without, allowed_scopes=["openid"]).status_code == 303
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    path = f"{SHOP}/access"
    for bad, said in (
        ({**kept, "grant_types": ["client_credentials"]}, "Client credentials need a confidential client."),
        ({**kept, "allowed_scopes": ["openid"], "optional_scopes": ["email"]}, "An optional scope has to be one"),
        ({"consent_policy": "implicit"}, "A client needs at least one grant type."),
    ):
        refused = send(office, path, seen=seen(office, path), **bad)  # type: ignore[arg-type]
        assert refused.status_code == 400
        assert said in refused.text


def test_a_way_to_prove_itself_is_changed(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop")
    client = RelyingParty(office, "shop")
    tokens = client.tokens()
    foreseen = send(office, f"{SHOP}/proof", seen=seen(office, f"{SHOP}/proof"), auth_method="client_secret")
    assert "All its tokens end: 1 login in it is over." in shown(foreseen)
    made = change(office, "proof", auth_method="client_secret")
    secret = re.search(r"data-secret>([^<]+)<", made.text)
    assert secret
    assert made.headers["Cache-Control"] == "no-store"
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_client"
    assert "refresh_token" in RelyingParty(office, "shop", secret[1]).tokens()
    path = f"{SHOP}/proof"
    private = '{"keys": [{"kty": "EC", "crv": "P-256", "d": "AA", "x": "AA", "y": "AA"}]}'
    for bad, said in {private: "A set of keys holds public keys only.", "{": "A set of keys is JSON."}.items():
        refused = send(office, path, seen=seen(office, path), auth_method="private_key_jwt", jwks=bad)
        assert refused.status_code == 400
        assert f'id="jwks-error">{said}' in refused.text
    uri = "https://shop.example.com/keys"
    assert change(office, "proof", auth_method="private_key_jwt", jwks_uri=uri).status_code == 303
    assert RelyingParty(office, "shop", secret[1]).token(grant_type="refresh_token").status_code == 401
    assert uri in shown(office.get(SHOP))
    assert office.get(f"{SHOP}/secrets/new").location == f"{SHOP}/secrets"
    assert "it signs with a key of its own" in shown(office.get(f"{SHOP}/secrets"))


def test_lives_of_tokens_are_changed(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop")
    kept = {"access_unit": "60", "refresh_unit": "86400", "id_token_signed_response_alg": "RS256"}
    made = change(office, "tokens", **{**kept, "access_number": "5", "id_token_signed_response_alg": "ES256"})
    assert made.status_code == 303
    tokens = RelyingParty(office, "shop").tokens()
    assert tokens["expires_in"] == 300
    assert b'"ES256"' in b64decode(tokens["id_token"].partition(".")[0] + "==")
    path = f"{SHOP}/tokens"
    for bad in ({"access_number": "0"}, {"access_number": "2", "access_unit": "86400"}, {"refresh_number": "x"}):
        assert send(office, path, seen=seen(office, path), **{**kept, **bad}).status_code == 400
    assert change(office, "tokens", **kept).status_code == 303
    assert RelyingParty(office, "shop").tokens()["expires_in"] == 3600


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_secrets_count_and_one_is_ended(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str, clock: Clock
) -> None:
    app = make_app(open_database(engine))
    office = administrator(app)
    old = add_client(app, "shop", is_confidential=True)
    path = f"{SHOP}/secrets/new"
    shown_beside = seen(office, path)
    made = send(office, path, seen=shown_beside, overlap="86400")
    new = re.search(r"data-secret>([^<]+)<", made.text)
    assert new
    assert made.text.count(new[1]) == 2
    assert made.headers["Cache-Control"] == "no-store"
    again = send(office, path, seen=shown_beside, overlap="0")
    assert again.status_code == 400
    assert "No secret was made." in again.text
    assert new[1] not in office.get(f"{SHOP}/secrets").text + office.get(SHOP).text
    third = send(office, path, seen=seen(office, path), overlap="3600")
    assert 'id="overlap-error">Two secrets count already' in third.text
    for secret in (old, new[1]):
        assert "access_token" in RelyingParty(office, "shop", secret).tokens()
    page = office.get(f"{SHOP}/secrets")
    ends = re.findall(rf'href="({SHOP}/secrets/[^"/]+/end)"', page.text)
    assert len(ends) == 2
    assert "made" in shown(office.get(ends[1]))
    assert send(office, ends[1]).location == f"{SHOP}/secrets"
    assert RelyingParty(office, "shop", old).token(grant_type="refresh_token").json["error"] == "invalid_client"
    assert "access_token" in RelyingParty(office, "shop", new[1]).tokens()
    assert office.get(ends[1]).status_code == 404
    assert office.get(ends[0]).status_code == 400
    third = send(office, path, seen=seen(office, path), overlap="0")
    assert third.status_code == 200
    assert RelyingParty(office, "shop", new[1]).token(grant_type="refresh_token").status_code == 401
    clock.advance(minutes=20)
    assert office.get(path).status_code == 303


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_disabled_application_is_refused_until_it_is_enabled(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(open_database(engine))
    office = administrator(app)
    add_client(app, "shop")
    client = RelyingParty(office, "shop")
    tokens = client.tokens()
    page = shown(office.get(f"{SHOP}/disable"))
    assert "1 login in the application ends at once. They are of 1 session" in page
    assert send(office, f"{SHOP}/disable").location == SHOP
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_client"
    assert client.authorize().status_code == 400
    assert office.get(f"{SHOP}/disable").location == SHOP
    assert send(office, f"{SHOP}/enable").location == SHOP
    assert "can log in to it again" in shown(office.get(SHOP))
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert "access_token" in client.tokens()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_deleted_application_is_unknown(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(open_database(engine))
    office = administrator(app)
    add_client(app, "shop")
    client = RelyingParty(office, "shop")
    tokens = client.tokens()
    refused = send(office, f"{SHOP}/delete", client_id="shops")
    assert refused.status_code == 400
    assert "This is not the client ID of the application." in refused.text
    assert send(office, f"{SHOP}/delete", client_id="shop").location == CLIENTS
    assert office.get(SHOP).status_code == 404
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_client"
    assert client.authorize().status_code == 400


def test_who_administers_applications_alone_touches_none_that_administers(app: Flask) -> None:
    keeper = administrator(app, "admin:clients", email="clients@example.com")
    add_client(app, "shop")
    add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[], scopes=["admin:users"])
    add_client(app, "eye", is_confidential=True, can_introspect_any=True)
    for client_id in ("robot", "eye"):
        page = f"{CLIENTS}/{client_id}"
        assert "Only an administrator of the platform changes it." in shown(keeper.get(page))
        for part in ("about", "addresses", "access", "proof", "tokens", "secrets/new", "disable", "delete"):
            assert keeper.get(f"{page}/{part}").status_code == 403, part
    kept = {"grant_types": ["authorization_code"], "consent_policy": "implicit"}
    path = f"{SHOP}/access"
    given = {"seen": seen(keeper, path), **kept, "allowed_scopes": ["openid", "admin:users"], "sure": "y"}
    assert send(keeper, path, **given).status_code == 403  # type: ignore[arg-type]
    assert "admin:users" not in shown(keeper.get(SHOP))
    introspecting = {"seen": seen(keeper, f"{SHOP}/proof"), "auth_method": "client_secret", "can_introspect_any": "y"}
    assert send(keeper, f"{SHOP}/proof", **introspecting, sure="y").status_code == 403
    assert send(keeper, f"{SHOP}/disable").status_code == 303


def test_what_lets_it_do_more_wants_a_fresh_login(app: Flask, clock: Clock) -> None:
    office = administrator(app)
    add_client(app, "shop")
    clock.advance(minutes=20)
    for part in ("addresses", "access", "proof", "tokens", "undo", "secrets/new", "delete"):
        assert office.get(f"{SHOP}/{part}").status_code == 303, part
    assert [office.get(f"{SHOP}/{part}").status_code for part in ("", "about", "secrets", "disable")] == [
        404,
        200,
        200,
        200,
    ]

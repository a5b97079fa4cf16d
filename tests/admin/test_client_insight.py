"""How an application fares, what its tokens would say of a person, and a login to it, on pages of administrators."""

import re
from html import unescape
from typing import Any

from flask import Flask
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from app.services.clients.registration import ListChange
from app.services.foundation.environment import NOBODY
from tests.account.browsing import Facts, shown
from tests.admin.offices import administrator
from tests.relying_party import RelyingParty, add_client, add_person, answer, log_in
from tests.security.assertions import Signer
from tests.servers import free_port

SHOP = "/admin/clients/shop"
ISSUER = "http://localhost:8000"


def said(page: TestResponse) -> str:
    """The words of a page that refuses."""
    assert page.status_code == 400
    return " ".join(unescape(page.text).split())


def write(app: Flask) -> None:
    """Have what was counted stand in its rows."""
    with app.app_context():
        app.extensions["services"].usage.write()


def rows(app: Flask, action: str) -> list[Any]:
    return Facts(app).all(
        "SELECT actor, user_id, client_id FROM oauth_audit_logs WHERE action = :action", action=action
    )


def test_health_says_what_was_issued_and_why_something_was_refused(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", name="Corner Shop", scopes=["openid", "email"], in_development=True)
    quiet = shown(office.get(f"{SHOP}/health"))
    assert "Nothing is known of this application yet" in quiet
    assert "Edit the application" in quiet

    add_person(app, "bob@example.com")
    browser = app.test_client()
    log_in(browser, "bob@example.com")
    shop = RelyingParty(browser, "shop")
    shop.tokens(scope="openid")
    assert shop.token(grant_type="authorization_code", code="x" * 43, code_verifier="y" * 43).status_code == 400
    write(app)
    page = shown(office.get(f"{SHOP}/health"))
    assert "Nothing is known" not in page
    assert "This client was never given the code that was sent" in page
    assert "token · <code>invalid_grant</code>" in page
    assert "1 times" in page
    assert office.get("/admin/clients/nothing/health").status_code == 404


def test_health_says_whether_the_keys_of_an_application_can_be_read(app: Flask) -> None:
    office, path = administrator(app), f"{SHOP}/health"
    uri = f"http://127.0.0.1:{free_port()}/jwks"
    fields = {"auth_method": "private_key_jwt", "jwks_uri": uri, "is_confidential": True, "redirects": []}
    add_client(app, "shop", grants=["client_credentials"], scopes=["admin:users"], **fields)
    assert "Nobody asked for them in 30 days." in shown(office.get(path))
    signer = Signer("shop", ECKey.generate_key("P-256"), lambda: app.extensions["services"].clock().timestamp())
    form = {"grant_type": "client_credentials", **signer.form()}
    assert app.test_client().post("/api/oauth/token", data=form).status_code == 401
    write(app)
    page = shown(office.get(path))
    assert uri in page
    assert "The server could not be reached." in page
    assert "They were read." not in page


def test_a_preview_says_what_the_tokens_say_that_are_issued(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", scopes=["openid", "email", "profile"])
    bob = add_person(app, "bob@example.com")
    before = Facts(app).one("SELECT count(*) FROM token_families")
    page = office.get(f"{SHOP}/preview?who=BOB@example.com&scope=openid&scope=email")
    assert page.status_code == 200
    text = shown(page)
    assert f'"sub": "{bob}"' in text
    assert '"email": "bob@example.com"' in text
    assert "logged in now" in text
    assert '"name"' not in text
    assert "nothing here is signed" in text
    assert "eyJ" not in page.text
    assert Facts(app).one("SELECT count(*) FROM token_families") == before
    (seen,) = rows(app, "oauth:token:previewed")
    assert (seen.user_id, seen.client_id) == (bob, "shop")
    assert seen.actor not in {bob, ""}

    browser = app.test_client()
    log_in(browser, "bob@example.com")
    shop = RelyingParty(browser, "shop")
    told = shop.userinfo(shop.tokens(scope="openid email")["access_token"]).get_json()
    for name, value in told.items():
        assert f'"{name}": ' in text, (name, value)


def test_a_preview_says_why_nothing_would_be_issued(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", scopes=["openid", "email"])
    add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[], scopes=["admin:users"])
    add_person(app, "bob@example.com")
    path = f"{SHOP}/preview?who=bob@example.com"
    left_out = shown(office.get(f"{path}&scope=openid&scope=phone&scope=admin:users"))
    assert "There is no scope of this name." in left_out or "not registered for the application" in left_out
    assert "This scope is for services" in left_out
    none = office.get(path)
    assert none.status_code == 400
    assert "Choose at least one scope." in said(none)
    robot = shown(office.get("/admin/clients/robot/preview?who=bob@example.com&scope=openid"))
    assert "People do not log in to it" in robot
    assert office.get("/admin/clients/nothing/preview").status_code == 404


def test_people_are_found_for_a_preview_by_who_administers_people_too(app: Flask) -> None:
    add_client(app, "shop", scopes=["openid", "email"])
    bob = add_person(app, "bob@example.com")
    root = add_person(app, "root@example.com", is_admin=True)
    office = administrator(app)
    assert f"who={bob}" in office.get(f"{SHOP}/preview?who=bob&scope=openid").text
    assert "Nobody is found by that." in shown(office.get(f"{SHOP}/preview?who=zzz&scope=openid"))

    keeper = administrator(app, "admin:clients", email="keeper@example.com")
    for who in ("bob@example.com", bob, "bob", root):
        refused = keeper.get(f"{SHOP}/preview?who={who}&scope=openid")
        assert refused.status_code == 400
        assert "You do not administer people" in said(refused)
        assert '"sub"' not in said(refused)
    assert '"email": "keeper@example.com"' in shown(
        keeper.get(f"{SHOP}/preview?who=keeper@example.com&scope=openid&scope=email")
    )

    both = administrator(app, "admin:clients", "admin:users", email="both@example.com")
    assert f'"sub": "{bob}"' in shown(both.get(f"{SHOP}/preview?who=bob@example.com&scope=openid"))
    refused = both.get(f"{SHOP}/preview?who={root}&scope=openid")
    assert refused.status_code == 400
    assert "This person administers the portal." in said(refused)
    people = administrator(app, "admin:users", email="people@example.com")
    assert people.get(f"{SHOP}/preview?who=bob@example.com&scope=openid").status_code == 403
    assert len(rows(app, "oauth:token:previewed")) == 2


def test_a_trial_asks_as_the_application_does_and_its_code_redeems_nothing(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", scopes=["openid", "email"])
    page = shown(office.get(f"{SHOP}/try"))
    assert "Register the page for trials" in page
    assert "data-trial-login" not in page
    form = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page))
    values = {name: form[name] for name in ("client_id", "scope", "state", "nonce", "response_type")}
    values |= {name: form[name] for name in ("code_challenge", "code_challenge_method")}
    uri = RelyingParty(office, "shop").parameters()["redirect_uri"]
    arrived = answer(office.get("/api/oauth/authorize", query_string={**values, "redirect_uri": uri}))
    assert arrived["state"] == form["state"]
    for verifier in (form["code_challenge"], "v" * 43, None):
        refused = RelyingParty(app.test_client(), "shop").token(
            grant_type="authorization_code", code=arrived["code"], redirect_uri=uri, code_verifier=verifier
        )
        assert refused.get_json()["error"] == "invalid_grant"


def test_the_page_for_trials_is_no_address_before_it_is_registered(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", scopes=["openid", "email"])
    callback = f"{ISSUER}/admin/clients/try/callback"
    shop = RelyingParty(office, "shop")
    assert shop.authorize(redirect_uri=callback).status_code == 400
    with app.app_context():
        services = app.extensions["services"]
        services.clients.update("shop", {"redirect_uris": ListChange(add=(callback,))}, NOBODY)
        services.db.session.commit()
    assert "data-trial-login" in office.get(f"{SHOP}/try").text
    sent = shop.authorize(redirect_uri=callback)
    assert sent.location.startswith(f"{callback}?code=")
    assert office.get(sent.location).status_code == 200
    keeper = administrator(app, "admin:users", email="users@example.com")
    assert keeper.get(sent.location).status_code == 403
    assert app.test_client().get(sent.location).status_code == 303


def test_a_service_is_tried_with_its_secret_which_no_page_gets(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[], scopes=["admin:users"])
    page = office.get("/admin/clients/robot/try").text
    assert "data-trial-service" in page
    assert "data-trial-login" not in page
    assert re.findall(r"<form[^>]*data-trial-service[^>]*>", page) == ["<form data-trial-service>"]
    assert office.post("/admin/clients/robot/try").status_code in {400, 405}
    assert office.get("/admin/clients/nothing/try").status_code == 404

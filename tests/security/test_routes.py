"""Every route that can change something, as the application's own table lists them, so that a new one is not forgotten.

A page's form wants its token and the portal's origin; the API wants a token that no browser adds by itself, or keeps to
origins; the protocol's endpoints have clients that authenticate. A route that is none of these fails here until it says
which it is, and a page until :data:`tests.security.changes.FORMS` says how its form is filled in.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.api.people import FrontEnd, refusal
from tests.api.service.backends import PREFIX, service_token
from tests.databases import SqliteDatabases
from tests.security.administration import FORMS as FORMS_OF_ADMINISTRATORS
from tests.security.administration.record import looking_up
from tests.security.changes import FORMS as FORMS_OF_PEOPLE
from tests.security.changes import Form, connected, consent, everything, kept, linked, second_session
from tests.security.parties import PROVIDERS, Parties, opened

FORMS = {**FORMS_OF_PEOPLE, **FORMS_OF_ADMINISTRATORS}
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
FOREIGN = "https://evil.test"
PROTOCOL = {
    "oauth.token": "the client authenticates; no cookie is looked at",
    "oauth.revoke": "the client authenticates; no cookie is looked at",
    "oauth.introspect": "the client authenticates; no cookie is looked at",
    "oauth.validate": "the client authenticates; no cookie is looked at",
    "oauth.userinfo": "reads, with a bearer token",
    "oauth.authorize": "comes from other sites by its nature and is the same by GET (OpenID Connect Core 3.1.2.1)",
    "social.kakao_webhook": "Kakao proves itself with a key that it shares with the portal; no cookie is looked at",
    "billing.webhook": "whoever is paid signs the body with a secret that it shares with the portal",
    "oauth.logout": "comes from other sites by its nature; without an ID token as a hint a form of ours asks first",
}
FROM_OTHER_SITES = (".authorize", ".logout")
NO_CHANGE = {
    "login.strength": "judges a password that is typed and keeps nothing; still it wants the token",
    "admin_tokens.look_up": "says what a pasted token is worth and keeps nothing",
}
API = ("api.", "api_compatible.", "api_users.", "quota.")
SERVICE = "service."
OF_NOBODY = {
    "static": "files for all",
    "bootstrap.static": "files for all",
    "portal.sdk": "files for all",
    **{
        f"{room}.{name}": "names a provider; what is kept of the browser's trip is its own"
        for room in ("social", "social_api", "social_compatible")
        for name in ("start", "callback")
    },
    **dict.fromkeys(("social.link", "social.confirm", "social.prove"), "names a provider; who is here does it"),
    **dict.fromkeys(("api.link", "api_compatible.link"), "names a provider; the link is the token's person's own"),
    **dict.fromkeys(("api.unlink", "api_compatible.unlink"), "names a provider; the link is the token's person's own"),
    "refusals.explained": "names a kind of error, or an explanation by an id that cannot be guessed",
    "photos.photo": "for whoever knows an address that cannot be guessed",
    "kept_mail.show": "only while mails stay with the developer",
    "kept_mail.html": "only while mails stay with the developer",
}
"""Routes with a name in their path that is no person's."""

KEEPING_NOTHING: dict[str, Callable[[Parties], Form]] = {
    "login.strength": lambda parties: Form(
        parties.app.test_client(), "/password-strength", {"password": "x"}, "/login"
    ),
    "admin_tokens.look_up": looking_up,
}
"""How the forms of those are filled in."""

LEADING_BACK = {"portal.language", "portal.theme", "social.link", "social.confirm", "social.prove"}
"""Whose forms have no page of their own that could be shown again."""


@pytest.fixture(scope="module")
def parties(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """With providers, which have routes as well."""
    with opened(sqlite_databases, tmp_path_factory.mktemp("parties"), **PROVIDERS) as found:
        yield found


def kind_of(rule: Rule) -> str:
    """What protects a route: ``page``, ``no change``, ``protocol``, ``api``, ``service``, or ``nothing``."""
    endpoint = rule.endpoint.replace("oauth_compatible.", "oauth.")
    kinds = {"page": FORMS, "no change": NO_CHANGE, "protocol": PROTOCOL}
    found = [kind for kind, names in kinds.items() if endpoint in names]
    if endpoint.startswith(SERVICE) and rule.rule.startswith(PREFIX):
        found.append("service")
    if endpoint.startswith(API) and rule.rule.startswith(("/api/v1/", "/api/auth/")):
        found.append("api")
    assert len(found) < 2, rule
    return found[0] if found else "nothing"


@pytest.fixture(scope="module")
def rules(parties: Parties) -> list[Rule]:
    """Every route."""
    return list(parties.app.url_map.iter_rules())


def changing(rules: list[Rule], kind: str = "") -> list[Rule]:
    """Those that can change something."""
    found = [rule for rule in rules if UNSAFE & (rule.methods or set())]
    return [rule for rule in found if not kind or kind_of(rule) == kind]


@pytest.fixture(scope="module")
def stranger_token(parties: Parties) -> str:
    """A form token of somebody else's browser."""
    return Form(parties.newcomer()[0], "/logout").token()


def test_every_route_that_changes_something_is_protected_in_a_way_that_is_named(rules: list[Rule]) -> None:
    assert [rule for rule in changing(rules) if kind_of(rule) == "nothing"] == []
    assert len(changing(rules, "page")) >= 24
    assert len(changing(rules, "api")) == 36
    assert len(changing(rules, "service")) == 34


def test_every_name_listed_here_is_a_route(rules: list[Rule]) -> None:
    endpoints = {rule.endpoint for rule in rules}
    assert {*FORMS, *PROTOCOL, *NO_CHANGE, *OF_NOBODY} - endpoints == set()


def test_a_new_route_is_noticed(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.add_url_rule("/new", "portal.new", lambda: "", methods=["POST"])
    app.add_url_rule("/api/admin/new", "api.new", lambda: "", methods=["DELETE"])
    unprotected = [rule.rule for rule in changing(list(app.url_map.iter_rules())) if kind_of(rule) == "nothing"]
    assert sorted(unprotected) == ["/api/admin/new", "/new"]


def state(parties: Parties, browser: FlaskClient) -> tuple[dict[str, Any], dict[str, str]]:
    """What the portal and the browser hold."""
    return everything(parties.app), kept(browser)


@pytest.mark.parametrize("endpoint", FORMS)
def test_a_form_without_a_token_of_its_own_browser_or_from_another_origin_changes_nothing(
    parties: Parties, stranger_token: str, endpoint: str
) -> None:
    form = FORMS[endpoint](parties)
    good = form.token()
    before = state(parties, form.browser)
    for token in (None, "", "x", stranger_token, f"x{good[1:]}"):
        response = form.send(token)
        # Of a form that acts for a person it is said that it is another's (409).
        refused = {303 if endpoint in LEADING_BACK else 400} | ({409} if token == stranger_token else set())
        assert response.status_code in refused, token
        assert state(parties, form.browser) == before, token
    for origin in (FOREIGN, "http://localhost:8000.evil.test", "https://localhost:8000"):
        response = form.send(good, Origin=origin)
        assert response.status_code == 403
        assert "Access-Control-Allow-Origin" not in response.headers
        assert state(parties, form.browser) == before, origin
    # The very same form, sent as it should be, does what it is for.
    response = form.send(good, Origin="http://localhost:8000")
    assert response.status_code in {200, 303}, response.text
    assert state(parties, form.browser) != before


@pytest.mark.parametrize("endpoint", NO_CHANGE)
def test_what_keeps_nothing_wants_a_token_too(parties: Parties, stranger_token: str, endpoint: str) -> None:
    form = KEEPING_NOTHING[endpoint](parties)
    assert [form.send(token).status_code for token in (None, "")] == [400, 400]
    assert form.send(stranger_token).status_code in {400, 409}
    assert form.send(form.token(), Origin=FOREIGN).status_code == 403
    before = everything(parties.app)
    assert form.send(form.token()).status_code == 200
    assert everything(parties.app) == before


def recorded(parties: Parties) -> dict[str, Any]:
    """What the portal holds but for the audit, in which refusals stand."""
    return {name: rows for name, rows in everything(parties.app).items() if name != "oauth_audit_logs"}


def test_where_clients_authenticate_cookies_count_for_nothing(parties: Parties, rules: list[Rule]) -> None:
    tokens = parties.web.tokens()
    before = recorded(parties)
    asked = [rule for rule in changing(rules, "protocol") if not rule.endpoint.endswith(FROM_OTHER_SITES)]
    assert len(asked) == 12
    for rule in asked:
        for form in ({}, {"token": tokens["access_token"]}, {"grant_type": "refresh_token", "refresh_token": "x"}):
            response = parties.browser.post(rule.rule, data=form, headers={"Origin": FOREIGN})
            assert response.status_code in {400, 401, 403, 415}, rule
    assert recorded(parties) == before


@pytest.fixture(scope="module")
def front(parties: Parties) -> Iterator[FrontEnd]:
    """Ada's front end: her browser holds all three cookies."""
    end = FrontEnd(parties.app)
    assert end.log_in().status_code == 200
    yield end
    assert end.is_logged_in()


def test_the_api_takes_nothing_from_another_origin_and_nothing_a_browser_sends_by_itself(
    parties: Parties, front: FrontEnd, rules: list[Rule]
) -> None:
    before = everything(parties.app)
    for rule in changing(rules, "api"):
        path = rule.rule.replace("<session_id>", str(uuid4())).replace("<provider>", "google")
        (method,) = UNSAFE & (rule.methods or set())
        bearer = {"Authorization": f"Bearer {front.token}"}
        for origin in (FOREIGN, "null", "https://localhost:8000"):
            refusal(
                front.browser.open(path, method=method, headers={**bearer, "Origin": origin}), 403, "foreign_origin"
            )
        # As a form of another site would arrive: cookies, no token, no JSON.
        for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
            response = front.browser.open(path, method=method, data="a=b", content_type=kind)
            assert response.status_code in {401, 415}, (rule, response.text)
    assert everything(parties.app) == before


def test_the_service_api_takes_nothing_from_a_page_and_nothing_a_browser_sends_by_itself(
    parties: Parties, front: FrontEnd, rules: list[Rule]
) -> None:
    bearer = {"Authorization": f"Bearer {service_token(parties.app, 'backend', 'admin:full')}"}
    before = recorded(parties)
    for rule in changing(rules, "service"):
        path = re.sub(r"<\w+>", str(uuid4()), rule.rule)
        (method,) = UNSAFE & (rule.methods or set())
        for origin in (FOREIGN, "null", "https://localhost:8000"):
            sent = front.browser.open(path, method=method, headers={**bearer, "Origin": origin})
            refusal(sent, 403, "foreign_origin")
        for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
            response = front.browser.open(path, method=method, data="a=b", content_type=kind)
            assert (response.status_code, response.json) == (401, {"detail": "Could not validate service credentials"})
    assert recorded(parties) == before


def strangers_object(parties: Parties, endpoint: str) -> str:
    """The path to something of another person."""
    _, email = parties.newcomer()
    if endpoint == "account.remove_app":
        return connected(parties).path
    if endpoint == "account.unlink":
        return linked(parties).path
    session_id = second_session(parties, email)
    if endpoint.startswith(API):
        return f"/sessions/{session_id}"
    return f"/account/sessions/{session_id}/end"


OBJECTS = {"account.remove_app", "account.unlink", "account.end_one", "api.end", "api_compatible.end"}
NEVER_WAS = {
    "account.remove_app": "/account/apps/never-was/remove",
    "account.unlink": f"/account/identities/{uuid4()}/unlink",
}


def test_every_route_that_names_an_object_is_known(rules: list[Rule]) -> None:
    named = {rule.endpoint for rule in rules if rule.arguments and kind_of(rule) != "service"}
    # To whom pages of administrators open: tests/admin/test_doors.py.
    named -= {rule.endpoint for rule in rules if rule.rule.startswith("/admin/")}
    # What a service names is nobody's own: its scope decides.
    assert {endpoint for endpoint in named if not endpoint.startswith(SERVICE)} == {*OBJECTS, *OF_NOBODY}


@pytest.mark.parametrize("endpoint", sorted(OBJECTS))
def test_another_persons_object_is_as_unknown_as_one_that_never_was(
    parties: Parties, rules: list[Rule], endpoint: str
) -> None:
    path = strangers_object(parties, endpoint)
    never = NEVER_WAS.get(endpoint, path.replace(path.split("sessions/")[-1][:36], str(uuid4())))
    (rule,) = [rule for rule in rules if rule.endpoint == endpoint]
    browser, email = parties.newcomer()
    send: Callable[[str], Any]
    if endpoint.startswith(API):
        end = FrontEnd(parties.app)
        end.log_in(email=email)
        prefix = rule.rule.partition("/sessions")[0]
        send = lambda path: end.send("DELETE", f"{prefix}{path}")  # noqa: E731
    else:
        token = Form(browser, path).token()
        send = lambda path: Form(browser, path).send(token)  # noqa: E731
    before = everything(parties.app)
    assert [send(each).status_code for each in (path, never)] == [404, 404]
    assert everything(parties.app) == before


def test_the_state_that_is_compared_shows_a_change(parties: Parties) -> None:
    form = consent(parties)
    before = state(parties, form.browser)
    assert state(parties, form.browser) == before
    form.send(form.token())
    assert state(parties, form.browser) != before

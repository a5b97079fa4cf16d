"""Section O, administration: the service API today. More tests of its rows stand beside it, in tests/api/service.

RFC 6749 section 10, RFC 9700 section 4.1.3, ASVS 8 and 16, WSTG-ATHZ-02.
"""

import json
import re
import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.api.service import OPERATIONS
from app.models import AuditLog
from tests.api.service.backends import PREFIX, Backend
from tests.relying_party import PASSWORD, REDIRECT_URI, add_person, csrf_token, log_in
from tests.security.parties import Parties, decided, opened

SOMEBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
PLACES = {"<client_id>": "playground", "<user_id>": SOMEBODY, "<session_id>": SOMEBODY, "<secret_id>": SOMEBODY}
PLACES |= {"<role_id>": SOMEBODY, "<group_id>": SOMEBODY, "<permission>": "manage:workflows"}
WEB = {"client_id": "shop", "redirect_uris": [REDIRECT_URI], "allowed_scopes": ["openid"]}
SERVICE = {"client_id": "tool", "grant_types": ["client_credentials"], "is_confidential": True}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """The parties of this file, on each engine."""
    databases = request.getfixturevalue("sqlite_databases" if request.param == "sqlite" else "postgres_databases")
    with opened(databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


@pytest.fixture(scope="module")
def backend(parties: Parties) -> Backend:
    """A service that may do everything."""
    return Backend(parties.app)


@pytest.fixture
def shop(backend: Backend) -> Iterator[str]:
    """An application for one test."""
    backend.done("POST", "/clients", WEB, 201)
    yield "shop"
    backend.done("DELETE", "/clients/shop")


def address(path: str) -> str:
    for name, value in {**PLACES, "<subject>": SOMEBODY}.items():
        path = path.replace(name, value)
    return PREFIX + path


CHANGES = [(each.method, address(each.path)) for each in OPERATIONS if each.method != "GET"]


def test_o241_an_administrator_has_the_pages_of_one_for_as_long_as_the_account_is_active(parties: Parties) -> None:
    email = "second-admin@example.com"
    add_person(parties.app, email, is_admin=True)
    browser = parties.app.test_client()
    assert log_in(browser, email=email).status_code == 303
    asked = {"client_id": parties.web.client_id, "redirect_uri": "https://elsewhere.example.org/cb"}
    assert "client.example.com" in browser.get("/api/oauth/authorize", query_string=asked).text
    assert parties.run("users", "disable", email).exit_code == 0
    assert "client.example.com" not in browser.get("/api/oauth/authorize", query_string=asked).text
    assert browser.get("/account").status_code in {302, 303}


@pytest.mark.parametrize(
    "scope", ["admin", "admin:full", "openid admin:full", "openid profile admin:oauth admin:users"]
)
def test_o242_no_person_is_granted_a_scope_of_administration(parties: Parties, scope: str) -> None:
    scopes = ["openid", "profile", "admin:full", "admin:oauth", "admin:users"]
    greedy = parties.client(scopes=scopes, is_confidential=True)
    location = greedy.authorize(scope=scope).location
    if "code=" not in location:
        assert "error=invalid_scope" in location
        return
    tokens = greedy.tokens(scope=scope)
    assert "admin" not in tokens["scope"]
    for path in ("/clients", "/users", "/audit", "/settings"):
        response = parties.nobody.get(PREFIX + path, headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert response.status_code == 403, path


def test_o244_a_change_comes_as_json_with_a_token_and_never_from_a_page_of_another_origin(
    parties: Parties, backend: Backend
) -> None:
    token = {"Authorization": f"Bearer {backend.token}"}
    foreign = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    body = b'{"name": "x"}'
    with parties.app.app_context():
        before = everything(parties)
    for method, path in CHANGES:
        browser = parties.app.test_client()
        # A cookie is nothing here, also that of an administrator.
        assert parties.browser.open(path, method=method, json={}).status_code == 401, path
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            answer = browser.open(path, method=method, data=body, content_type=kind, headers=token)
            assert (answer.status_code, answer.json["error"]) == (415, "invalid_request"), (path, kind)
            refused = browser.open(path, method=method, data=body, content_type=kind, headers={**token, **foreign})
            assert (refused.status_code, refused.json["error"]) == (403, "foreign_origin"), (path, kind)
        refused = browser.open(path, method=method, json={}, headers={**token, **foreign})
        assert refused.status_code == 403, path
        assert "Access-Control-Allow-Origin" not in refused.headers
    with parties.app.app_context():
        assert everything(parties) == before


def everything(parties: Parties) -> dict[str, int]:
    """How many rows there are of what a service can change."""
    session = parties.app.extensions["services"].db.session
    tables = ("clients", "users", "user_sessions", "token_families", "revoked_tokens", "client_secrets")
    return {table: session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}  # noqa: S608


def test_o245_each_scope_opens_its_own_part_alone(parties: Parties) -> None:
    services = {scope: Backend(parties.app, scope) for scope in ("admin:oauth", "admin:users", "admin:system")}
    for operation in OPERATIONS:
        if operation.method == "GET":
            for scope, lesser in services.items():
                status = lesser.send("GET", address(operation.path).removeprefix(PREFIX)).status_code
                assert (status == 403) == ((scope,) != operation.scopes), (operation.path, scope)


def test_o246_a_secret_is_in_the_answer_that_made_it_and_nowhere_after_that(
    parties: Parties, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backend.done("POST", "/clients", SERVICE, 201)["client_secret"]
    renewed = backend.done("POST", "/clients/tool/regenerate-secret", {"overlap_seconds": 60})["client_secret"]
    shown = [
        backend.send("GET", path).text for path in ("/clients/tool", "/clients?search=tool", "/audit", "/settings")
    ]
    shown += [parties.run("clients", "show", "tool", "--json").output, parties.run("clients", "list").output]
    shown += [parties.run("clients", "secrets", "tool", "--json").output, parties.browser.get("/developers").text]
    shown.append("".join(capsys.readouterr()))
    with parties.app.app_context():
        session = parties.app.extensions["services"].db.session
        tables = sa.inspect(session.connection()).get_table_names()
        for table in tables:
            shown.append(str(session.execute(sa.text(f'SELECT * FROM "{table}"')).all()))  # noqa: S608
    for secret in (made, renewed):
        assert len(secret) == 43
        assert not [text for text in shown if secret in text]
    backend.done("DELETE", "/clients/tool")


UNFIT = [
    "https://*.example.com/cb",
    "https://app.example.com/*",
    "https://app.example.com/cb#fragment",
    "https://app.example.com/cb#",
    "http://app.example.com/cb",
    "http://0.0.0.0/cb",
    "http://0/cb",
    "http://2130706433/cb",
    "http://[::]/cb",
    "javascript:alert(1)",
    "JavaScript:alert(1)//app.example",
    "data:text/html,x",
    "file:///etc/passwd",
    "app:/cb",
    "https://user@app.example.com/cb",
    "https://user:password@app.example.com/cb",
    "/cb",
    "//app.example.com/cb",
    "app.example.com/cb",
    "https://",
    "https:///cb",
    "https://app.example.com/c b",
    "https://app.example.com\\@evil.test/cb",
    "https://app.example.com/cb?code=1",
    "https://한국.example.com/cb",
    "https://app.example.com/\x00",
    "https://app.example.com:99999/cb",
    " https://app.example.com/cb",
    "https://app.example.com/cb\n",
    "",
]


@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
def test_o247_no_address_is_registered_that_could_lead_elsewhere(
    parties: Parties, backend: Backend, shop: str, name: str
) -> None:
    option = {"redirect_uris": "--redirect-uri", "post_logout_redirect_uris": "--post-logout-redirect-uri"}[name]
    before = backend.get(f"/clients/{shop}")
    for uri in UNFIT:
        for method, path, more in (
            ("POST", "/clients", {**WEB, "client_id": "new"}),
            ("PATCH", f"/clients/{shop}", {}),
        ):
            refused = backend.done(method, path, {**more, name: [REDIRECT_URI, uri]}, 400)
            assert refused["error"] == "invalid_input", (method, uri)
        if "\x00" not in uri:
            # The command is another door to the same rule.
            assert parties.run("clients", "update", shop, option, uri).exit_code == 1, uri
    assert backend.get(f"/clients/{shop}") == before
    backend.get("/clients/new", 404)


def test_o247_what_stands_in_a_list_twice_is_registered_once_by_every_door(
    parties: Parties, backend: Backend, shop: str
) -> None:
    twice = {"redirect_uris": [REDIRECT_URI] * 2, "allowed_scopes": ["openid", "profile", "openid"]}
    once = {"redirect_uris": [REDIRECT_URI], "allowed_scopes": ["openid", "profile"]}
    assert backend.done("PATCH", f"/clients/{shop}", twice).items() >= once.items()
    made = backend.done("POST", "/clients", {**WEB, **twice, "client_id": "again"}, 201)
    assert made.items() >= once.items()
    backend.done("DELETE", "/clients/again")
    command = ("--redirect-uri", REDIRECT_URI, "--redirect-uri", REDIRECT_URI, "--scope", "openid profile openid")
    assert parties.run("clients", "update", shop, *command).exit_code == 0
    assert backend.get(f"/clients/{shop}").items() >= once.items()


@pytest.mark.parametrize("name", ["logo_uri", "home_uri", "policy_uri", "tos_uri", "backchannel_logout_uri"])
def test_o247_nothing_is_written_in_one_way_by_every_door(
    parties: Parties, backend: Backend, shop: str, name: str
) -> None:
    option = "--" + name.replace("_", "-").replace("home-uri", "home").replace("logo-uri", "logo")
    for empty in ("", None):
        backend.done("PATCH", f"/clients/{shop}", {name: "https://shop.example.com/x"})
        assert backend.done("PATCH", f"/clients/{shop}", {name: empty})[name] is None
    backend.done("PATCH", f"/clients/{shop}", {name: "https://shop.example.com/x"})
    assert parties.run("clients", "update", shop, option, "").exit_code == 0
    assert backend.get(f"/clients/{shop}")[name] is None


INNER = ["http://169.254.169.254/", "http://127.0.0.1:6379/", "http://10.0.0.1/", "file:///etc/passwd", "gopher://x/"]


@pytest.mark.parametrize("name", ["logo_uri", "policy_uri", "tos_uri", "backchannel_logout_uri", "jwks_uri"])
def test_o248_addresses_of_an_inner_network_are_refused(
    parties: Parties, backend: Backend, shop: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parties.app.app_context():
        # As in production: development reads the keys of a service on the same machine.
        monkeypatch.setattr(parties.app.extensions["services"].clients, "allows_network", False)
    more = {"jwks_uri": ["https://169.254.169.254/", "https://[::1]/", "https://10.0.0.1/"]}
    signs = {"is_confidential": True, "auth_method": "private_key_jwt"} if name == "jwks_uri" else {}
    for uri in (*INNER, *more.get(name, ())):
        if name == "backchannel_logout_uri" and "127.0.0.1" in uri:
            continue  # the portal may call a client on its own machine
        refused = backend.done("PATCH", f"/clients/{shop}", {**signs, name: uri}, 400)
        assert refused["error"] == "invalid_input", uri
    assert backend.get(f"/clients/{shop}")[name] is None


def test_o248_what_is_only_linked_is_never_fetched(parties: Parties, backend: Backend, shop: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        place = f"https://127.0.0.1:{listener.getsockname()[1]}"
        named = {"home_uri", "logo_uri", "policy_uri", "tos_uri"}
        addresses = {name: f"{place}/{name}" for name in named}
        backend.done("PATCH", f"/clients/{shop}", {**addresses, "is_listed": True, "consent_policy": "always"})
        client = parties.client("third-party", consent_policy="always", **addresses)
        page = client.authorize().location
        for path in ("/", "/developers", "/account/apps", page):
            assert parties.browser.get(path).status_code == 200, path
        assert decided(parties.browser, page).status_code in {302, 303}
        assert waiting.select(0) == [], "something was fetched"


def test_o249_the_last_administrator_stays_whoever_asks(fresh: Parties) -> None:
    backend, email = Backend(fresh.app), "only-admin@example.com"
    (seeded,) = backend.get("/users?is_admin=true")["users"]
    user_id = add_person(fresh.app, email, is_admin=True)
    backend.done("DELETE", f"/users/{seeded['id']}")
    for method, body in (("DELETE", None), ("PATCH", {"is_active": False}), ("PATCH", {"role": "member"})):
        assert backend.done(method, f"/users/{user_id}", body, 400)["error"] == "invalid_input"
    browser = fresh.app.test_client()
    log_in(browser, email=email)
    form = {"csrf_token": csrf_token(browser, "/account/data"), "email": email}
    assert browser.post("/account/data/delete", data=form).status_code != 500
    assert fresh.run("users", "disable", email).exit_code == 1
    found = backend.get(f"/users/{user_id}")
    assert (found["is_active"], found["is_admin"], found["deletes_at"]) == (True, True, None)


def test_o249_a_service_that_removes_itself_is_out_at_once(parties: Parties) -> None:
    own = Backend(parties.app, "admin:oauth", "leaving", allowed=("admin:oauth",))
    assert own.done("DELETE", "/clients/leaving") == {"status": "success", "message": "Client deleted"}
    own.get("/clients", 401)


def records(parties: Parties) -> list[AuditLog]:
    with parties.app.app_context():
        session = parties.app.extensions["services"].db.session
        found = list(session.scalars(sa.select(AuditLog)))
        session.expunge_all()
        return found


def test_o252_each_deed_is_one_record_with_who_what_client_and_address_and_without_secrets(
    parties: Parties, backend: Backend
) -> None:
    email, here = "recorded@example.com", {"REMOTE_ADDR": "203.0.113.7"}
    user_id = add_person(parties.app, email)
    known = {each.id for each in records(parties)}
    browser = parties.app.test_client()
    browser.environ_base.update(here)
    assert log_in(browser, email=email, password="a wrong one 123").status_code == 401
    assert log_in(browser, email=email).status_code == 303
    third = parties.client("recorded-app", is_confidential=True, consent_policy="always")
    third.browser = browser
    code = decided(browser, third.authorize().location).location.partition("code=")[2].partition("&")[0]
    tokens = third.redeem(code).json
    assert third.redeem(code, client_id="x").status_code == 400
    auth = ("recorded-app", third.secret or "")
    assert browser.post("/api/oauth/revoke", data={"token": tokens["refresh_token"]}, auth=auth).status_code == 200
    assert browser.post("/api/oauth/token", data={"grant_type": "refresh_token"}, auth=("recorded-app", "x")).json
    renewed = backend.done("POST", "/clients/recorded-app/regenerate-secret")["client_secret"]
    new = [each for each in records(parties) if each.id not in known]
    expected = {
        "account:login:failed": (user_id, None, False),
        "account:login:succeeded": (user_id, None, True),
        "consent:granted": (user_id, "recorded-app", True),
        "oauth:code:redeemed": (user_id, "recorded-app", True),
        "oauth:token:revoked": (user_id, "recorded-app", True),
        "oauth:client:authentication_failed": (None, "recorded-app", False),
        "client:secret_rotated": (None, "recorded-app", True),
    }
    for action, (who, client_id, success) in expected.items():
        (row,) = [each for each in new if each.action == action]
        assert (row.user_id, row.client_id, row.success) == (who, client_id, success), action
        if action != "client:secret_rotated":
            assert row.ip_address == "203.0.113.7", action
    (rotated,) = [each for each in new if each.action == "client:secret_rotated"]
    assert rotated.actor == backend.client_id
    written = str([vars(each) for each in new])
    secrets = [
        code,
        third.secret,
        renewed,
        PASSWORD,
        "a wrong one 123",
        *(tokens[name] for name in tokens if "_token" in name),
    ]
    assert not [secret for secret in secrets if secret in written]


def test_o252_no_operation_changes_a_record_and_one_that_was_changed_is_found(fresh: Parties) -> None:
    backend = Backend(fresh.app)
    assert {each.method for each in OPERATIONS if each.path.startswith(("/audit", "/trace"))} == {"GET"}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        backend.done(method, "/audit", {}, 405)
    assert fresh.run("audit", "export").exit_code == 0, "sealed"
    assert fresh.run("audit", "verify").exit_code == 0
    with fresh.app.app_context():
        session = fresh.app.extensions["services"].db.session
        session.execute(sa.text("UPDATE oauth_audit_logs SET ip = '198.51.100.1' WHERE action = 'client:created'"))
        session.commit()
    assert fresh.run("audit", "verify").exit_code != 0


HOSTILE = "\x1b[2J\x1b[31mroot\x07\x9b0m"


@pytest.mark.parametrize("text", ["a\r\nWARNING forged", "\x1b[31mred", "\u2028b", "\x85c", "a\x00b"], ids=ascii)
def test_o253_what_was_sent_to_break_a_line_of_the_log_is_escaped(
    parties: Parties, backend: Backend, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    browser: FlaskClient = parties.app.test_client()
    browser.post("/api/v1/auth/login", json={"email": f"{text}@example.com", "password": text})
    browser.post("/login", data={"csrf_token": csrf_token(browser, "/login"), "email": text, "password": text})
    browser.post("/api/oauth/token", data={"grant_type": text, "client_id": text, "client_secret": text})
    browser.get("/api/oauth/authorize", query_string={"client_id": text, "redirect_uri": text})
    plain = re.sub(r"[\r\n\x00\x85\u2028]", "", text)
    browser.get("/health", environ_overrides={"HTTP_USER_AGENT": plain, "HTTP_X_REQUEST_ID": plain})
    for named in ({"name": text}, {"client_id": text}, {"description": text}, {"contacts": [text]}):
        backend.done("POST", "/clients", {**WEB, **named}, 400)
    written = "".join(capsys.readouterr())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", written), ascii(written)
    assert "forged" not in [line[:6] for line in written.splitlines()]
    assert not [line for line in written.splitlines() if line.startswith("WARNING")]


def test_o253_what_a_browser_calls_itself_is_kept_without_what_turns_a_terminal(parties: Parties) -> None:
    person, email = parties.newcomer()
    other = parties.app.test_client()
    other.environ_base["HTTP_USER_AGENT"] = HOSTILE
    assert log_in(other, email=email).status_code == 303
    shown = person.get("/account/sessions").text + person.get("/account/activity").text
    listed: Any = parties.run("audit", "list", "--user", email).output
    listed += parties.run("sessions", "list", email).output
    for text in (shown, listed):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    exported = parties.run("audit", "list", "--user", email, "--json").stdout
    assert json.loads(exported)
    assert "\x1b" not in exported

"""O250, O251: on PostgreSQL, by a role that owns nothing, nobody reaches anything of another person by naming it.

What is another's is named in every place of every route that an application or a page may ask: in the path, in the
query, in a form and in JSON.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from tests.api.people import FrontEnd
from tests.api.service.backends import service_token
from tests.databases import PostgresDatabases
from tests.relying_party import add_person, csrf_token, link_identity, log_in
from tests.security.parties import PROVIDERS, Parties, decided, opened
from tests.servers import unrestricted_engine

BOB, SECRET = "bob@example.com", "Bob whom nobody else may read of"
OWN = "users"
LEAVING = {"api.logout", "api_compatible.logout", "login.logout"}
"""Routes that end what the asking is done by; the others come first."""
NAMES = ("user_id", "id", "sub", "account_id", "session_id", "sid", "identity_id", "photo_id", "override_id", "who")


class Scene:
    """Ada asks; Bob has a row in every table that he may have one in by using the portal."""

    def __init__(self, parties: Parties) -> None:
        self.parties, self.app = parties, parties.app
        self.engine = unrestricted_engine(parties.database_url)
        self.bob = add_person(self.app, BOB)
        with self.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE users SET full_name = :name WHERE id = :bob"), {"name": SECRET, "bob": self.bob}
            )
        self.browser = self.app.test_client()
        assert log_in(self.browser, email=BOB).status_code == 303
        self.uses()
        with self.engine.connect() as connection:
            inspector = sa.inspect(connection)
            self.tables = sorted(
                name
                for name in inspector.get_table_names()
                if name == OWN or "user_id" in {column["name"] for column in inspector.get_columns(name)}
            )

    def uses(self) -> None:
        """What leaves rows behind: an application, a provider, a quota, a photo, links, a second device."""
        third = self.parties.third
        third.browser = self.browser
        page = third.authorize(scope="openid profile email offline_access", prompt="consent").location
        answered = decided(self.browser, page)
        assert answered.status_code == 302
        front = FrontEnd(self.app)
        assert front.log_in(email=BOB).status_code == 200
        assert front.send("POST", "/api/v1/quota/consume", {"amount": 3}, Idempotency_Key="job").status_code == 200
        self.identity = link_identity(self.app, self.bob, subject="bob")
        with self.app.app_context():
            services = self.app.extensions["services"]
            services.overrides.add(self.bob, plan="pro", reason="a fair")
            services.sessions.start(self.bob, NOBODY)
            services.email_addresses.request_change(self.bob, "bobby@example.com", "en", NOBODY)
            services.db.commit()

    def rows(self) -> dict[str, list[Any]]:
        """All that is kept of Bob, in an order that the database does not choose."""
        with self.engine.connect() as connection:
            return {
                name: sorted(
                    connection.execute(
                        sa.text(f"SELECT * FROM {name} WHERE {'id' if name == OWN else 'user_id'} = :bob"),  # noqa: S608
                        {"bob": self.bob},
                    ),
                    key=str,
                )
                for name in self.tables
            }

    def names(self) -> list[str]:
        """What his rows are called by."""
        found = {str(row.id) for rows in self.rows().values() for row in rows if hasattr(row, "id")}
        return sorted({*found, self.bob})


@pytest.fixture(scope="module")
def scene(postgres_databases: PostgresDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """On PostgreSQL, as in production."""
    with opened(postgres_databases, tmp_path_factory.mktemp("isolation"), **PROVIDERS) as parties:
        made = Scene(parties)
        yield made
        made.engine.dispose()


def asked_by_people(rules: Iterator[Rule]) -> list[Rule]:
    """The routes that anybody may come to; services and administrators may name others."""
    ours = [
        each for each in rules if not each.endpoint.startswith(("service.", "admin.")) and each.endpoint != "static"
    ]
    return sorted(ours, key=lambda rule: (rule.endpoint in LEAVING, rule.rule, str(rule.methods)))


def test_nobody_reaches_anything_of_another_by_naming_it(scene: Scene) -> None:
    before, names = scene.rows(), scene.names()
    assert {name for name, rows in before.items() if rows} >= {
        "users", "user_sessions", "token_families", "refresh_tokens", "consents", "identities", "quotas", "quota_uses",
        "plan_overrides", "memberships", "oauth_audit_logs", "one_time_tokens",
    }  # fmt: skip
    ada, count = Ada(scene), 0
    for rule in asked_by_people(scene.app.url_map.iter_rules()):
        ada.is_there()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for path, name in addresses(scene, rule, names):
                for response in ada.names(method, path, name):
                    count += 1
                    assert response.status_code < 500, (method, path, response.text)
                    assert SECRET not in response.text, (method, path)
    assert count > 400
    after = scene.rows()
    assert {name for name in before if after[name] != before[name]} == set()


def addresses(scene: Scene, rule: Rule, names: list[str]) -> Iterator[tuple[str, str]]:
    """The paths of a route: with each of the names in it, or with one beside it."""
    adapter = scene.app.url_map.bind("localhost")
    if not rule.arguments:
        yield rule.rule, scene.bob
        return
    for name in names:
        values: dict[str, Any] = dict.fromkeys(rule.arguments, name)
        for argument in rule.arguments:
            kind = type(rule._converters[argument]).__name__
            if kind == "UUIDConverter":
                values[argument] = UUID(name) if len(name) == 36 else UUID(int=0)
            elif kind == "IntegerConverter":
                values[argument] = 64
            elif kind == "AnyConverter":
                values[argument] = next(iter(rule._converters[argument].items), "kakao")  # type: ignore[attr-defined]
        yield adapter.build(rule.endpoint, values), name


class Ada:
    """Her browser and her front end."""

    def __init__(self, scene: Scene) -> None:
        self.browser, self.front, self.token = scene.app.test_client(), FrontEnd(scene.app), ""

    def is_there(self) -> None:
        """Log in again where what was asked before ended that."""
        if self.front.get("/me").status_code != 200:
            assert self.front.log_in().status_code == 200
        if self.browser.get("/account/sessions").status_code != 200:
            assert log_in(self.browser).status_code == 303
            self.token = csrf_token(self.browser, "/logout")

    def names(self, method: str, path: str, name: str) -> Iterator[TestResponse]:
        """Ask by cookie and by token, naming him everywhere."""
        beside = dict.fromkeys(NAMES, name)
        if method == "GET":
            yield self.browser.get(path, query_string=beside)
            yield self.front.send(method, path, Authorization=f"Bearer {self.front.token}")
            return
        yield self.browser.open(path, method=method, data={**beside, "csrf_token": self.token})
        yield self.front.send(method, path, beside)
        yield self.front.send(method, path, {"amount": 1, "user_id": name})


@pytest.mark.parametrize("scope", ["admin:oauth", "admin:system"])
def test_a_service_without_the_scope_for_people_reaches_none(scene: Scene, scope: str) -> None:
    token = service_token(scene.app, scope.replace(":", "-"), scope)
    before = scene.rows()
    browser, bearer = scene.app.test_client(), {"Authorization": f"Bearer {token}"}
    for rule in scene.app.url_map.iter_rules():
        if not (rule.endpoint.startswith(("service.", "quota.")) and ("user" in rule.rule or "quota" in rule.rule)):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = scene.app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, scene.bob))
            body = None if method == "GET" else {"user_id": scene.bob, "amount": 1, "is_active": False}
            query = {"user_id": scene.bob} if method == "GET" else None
            response = browser.open(path, method=method, json=body, query_string=query, headers=bearer)
            assert response.status_code in {401, 403}, (method, path, response.text)
            assert SECRET not in response.text
    assert scene.rows() == before

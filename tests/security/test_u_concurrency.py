"""Section U, many at once: what may happen once happens once, on both databases, and everybody gets a clean answer.

Over several worker processes ``tests/flows`` proves codes, refresh tokens and rotation; here each item stands by its
number, in threads of one process.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from tests.relying_party import EMAIL, PASSWORD, SCOPE, RelyingParty, csrf_token, log_in
from tests.security.answers import Markup, is_accepted, is_challenged, is_json, is_page, is_refused
from tests.security.parties import Parties, opened
from tests.servers import unrestricted_engine

T = TypeVar("T")
ROUNDS = 2


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """On each engine: SQLite lets one write at a time, PostgreSQL lets them meet at the row."""
    databases = request.getfixturevalue("postgres_databases" if request.param == "postgresql" else "sqlite_databases")
    with opened(databases, tmp_path_factory.mktemp("many")) as found:
        yield found


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """What the calls give that begin at the same moment, each in a thread of its own."""
    gate = threading.Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def as_often(times: int, call: Callable[[], T]) -> list[T]:
    """The same call many times at once."""
    return at_once([call] * times)


def same_browser(browser: FlaskClient, name: str = "portal_session") -> FlaskClient:
    """Another tab: a client of its own, for threads cannot share one, with the same cookies."""
    tab = browser.application.test_client()
    for cookie in (name, "portal_form"):
        if found := browser.get_cookie(cookie):
            tab.set_cookie(cookie, found.value)
    return tab


def listed(parties: Parties, noun: str) -> list[dict[str, Any]]:
    """What an operator is shown."""
    return list(json.loads(parties.run(noun, "list", "--json").stdout))


@pytest.mark.parametrize("client", ["web", "spa"])
def test_u305_of_many_redemptions_one_wins_and_loses_it_again(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    for _ in range(ROUNDS):
        code = party.code()
        answers = as_often(12, lambda code=code: parties.away(party).redeem(code))  # type: ignore[misc]
        won = [is_json(answer) for answer in answers if answer.status_code == 200]
        for answer in answers:
            if answer.status_code != 200:
                assert is_refused(answer, "invalid_grant") == "Invalid or expired authorization code"
        assert len(won) == 1
        is_challenged(party.userinfo(won[0]["access_token"]))
        is_refused(party.refresh(won[0]["refresh_token"]), "invalid_grant")


def test_u305_only_the_client_it_was_issued_to_can_win(parties: Parties) -> None:
    for _ in range(ROUNDS):
        code = parties.web.code()
        thieves = [lambda code=code: parties.away(parties.other).redeem(code)] * 8  # type: ignore[misc]
        answers = at_once([lambda code=code: parties.away(parties.web).redeem(code), *thieves])  # type: ignore[misc]
        assert [answer.status_code for answer in answers] == [200] + [400] * 8
        assert parties.web.userinfo(answers[0].json["access_token"]).status_code == 200


def test_u305_of_many_different_codes_each_is_good(parties: Parties) -> None:
    codes = [parties.web.code() for _ in range(12)]
    answers = at_once([lambda code=code: parties.away(parties.web).redeem(code) for code in codes])  # type: ignore[misc]
    assert [answer.status_code for answer in answers] == [200] * 12
    assert len({answer.json["refresh_token"] for answer in answers}) == 12


def registration(parties: Parties, email: str) -> Callable[[], TestResponse]:
    """Somebody who is about to send the page of registration."""
    browser = parties.app.test_client()
    form = {"name": "Jo", "email": email, "password": PASSWORD, "csrf_token": csrf_token(browser, "/register")}
    return lambda: browser.post("/register", data=form, headers={"Accept-Language": "en"})


def test_u308_of_many_equal_registrations_one_makes_an_account(parties: Parties) -> None:
    emails = ["jo@example.com", "JO@example.com", "jo@EXAMPLE.com", " jo@example.com"]
    answers = at_once([registration(parties, email) for email in emails])
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 3
    for answer in answers:
        if answer.status_code == 400:
            assert "There is an account with this e-mail." in answer.text
    assert [user["email"] for user in listed(parties, "users")].count("jo@example.com") == 1
    assert log_in(parties.app.test_client(), email="jo@example.com").location == "/"


@contextmanager
def writers_of_users_held(parties: Parties, many: int) -> Iterator[None]:
    """On PostgreSQL all wait before they write until all have looked; on SQLite only one looks at a time anyway."""
    if not parties.database_url.startswith("postgresql"):
        yield
        return
    engine = unrestricted_engine(parties.database_url)
    watcher = threading.Event()

    def hold() -> None:
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass")
        with engine.connect() as holder, engine.connect() as observer:
            holder.execute(sa.text("LOCK TABLE users IN SHARE MODE"))
            watcher.set()
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and observer.execute(waiting).scalar_one() < many:
                time.sleep(0.02)

    holding = threading.Thread(target=hold)
    holding.start()
    assert watcher.wait(5)
    try:
        yield
    finally:
        holding.join()
        engine.dispose()


def test_u308_people_whose_addresses_begin_alike_all_get_an_account(
    parties: Parties, request: pytest.FixtureRequest
) -> None:
    emails = [f"min@{number}.example.com" for number in range(4)]
    forms = [registration(parties, email) for email in emails]
    with writers_of_users_held(parties, len(forms)):
        answers = at_once(forms)
    assert [answer.status_code for answer in answers] == [303] * len(forms)
    assert {user["email"] for user in listed(parties, "users")} >= set(emails)


def allowing(browser: FlaskClient, page: str) -> Callable[[], TestResponse]:
    """A tab with the consent page, whose button is about to be pressed."""
    tab = same_browser(browser)
    form = {"csrf_token": csrf_token(tab, page), "decision": "allow"}
    return lambda: tab.post(page, data=form)


def consents(parties: Parties, client: RelyingParty) -> int:
    """How often it is on record that somebody allowed something to a client."""
    with parties.app.app_context():
        session = parties.app.extensions["services"].db.session
        query = sa.text("SELECT count(*) FROM consents WHERE client_id = :client")
        return int(session.execute(query, {"client": client.client_id}).scalar_one())


def test_u309_one_consent_sent_many_times_is_one(parties: Parties) -> None:
    for _ in range(ROUNDS):
        client = parties.client(is_confidential=True, consent_policy="once")
        page = client.authorize().location
        answers = at_once([allowing(parties.browser, page) for _ in range(8)])
        assert [answer.status_code for answer in answers] == [303] * 8
        assert {answer.location for answer in answers} == {f"/api/oauth/authorize/resume?{page.partition('?')[2]}"}
        assert consents(parties, client) == 1
        is_accepted(client.authorize(prompt="none"))


def test_u309_what_was_allowed_in_two_tabs_is_allowed_together(
    parties: Parties, request: pytest.FixtureRequest
) -> None:
    for _ in range(ROUNDS):
        client = parties.client(is_confidential=True, consent_policy="once")
        scopes = ["openid", "openid profile", "openid email", "openid read:groups"]
        pages = [client.authorize(scope=scope).location for scope in scopes]
        answers = at_once([allowing(parties.browser, page) for page in pages])
        assert [answer.status_code for answer in answers] == [303] * len(pages)
        assert consents(parties, client) == 1
        is_accepted(client.authorize(prompt="none", scope="openid profile email read:groups"))


def test_u309_a_request_asked_for_many_times_at_once_has_one_good_code(
    parties: Parties, request: pytest.FixtureRequest
) -> None:
    browser, _ = parties.newcomer()
    client = RelyingParty(browser, parties.third.client_id, parties.third.secret)
    page = client.authorize().location
    onward = allowing(browser, page)().location
    tabs = [same_browser(browser) for _ in range(8)]
    answers = at_once([lambda tab=tab: tab.get(onward) for tab in tabs])  # type: ignore[misc]
    codes = [is_accepted(answer) for answer in answers if answer.status_code == 302]
    assert {answer.status_code for answer in answers} <= {200, 302}
    good = [code for code in codes if client.redeem(code).status_code == 200]
    assert len(good) == 1


def test_u311_what_is_signed_while_keys_change_verifies_by_the_keys_of_the_moment(parties: Parties) -> None:
    stop, kids = threading.Event(), set()

    def use() -> int:
        browser, checked = same_browser(parties.browser), 0
        client = RelyingParty(browser, "web", parties.web.secret)
        while not stop.is_set() or not checked:
            tokens = is_json(client.redeem(client.code()))
            keys = KeySet.import_key_set(browser.get("/.well-known/jwks.json").json)
            for name, algorithm in (("id_token", "RS256"), ("access_token", "ES256")):
                token = jwt.decode(tokens[name], keys, algorithms=[algorithm])
                kids.add((algorithm, token.header["kid"]))
            assert client.userinfo(tokens["access_token"]).status_code == 200
            checked += 1
        return checked

    def rotate() -> int:
        for _ in range(2):
            time.sleep(0.15)
            with parties.app.app_context():
                services = parties.app.extensions["services"]
                services.keys.rotate()
                services.db.commit()
        time.sleep(0.15)
        stop.set()
        return 1

    assert min(at_once([rotate, use, use, use])) >= 1
    for algorithm in ("RS256", "ES256"):
        assert len({kid for used, kid in kids if used == algorithm}) >= 2


def test_u312_many_logins_at_once_all_succeed_and_stop_nobody_else(parties: Parties) -> None:
    def login() -> Callable[[], TestResponse]:
        browser = parties.app.test_client()
        form = {"csrf_token": csrf_token(browser, "/login"), "email": EMAIL, "password": PASSWORD}
        return lambda: browser.post("/login", data=form)

    waited: list[float] = []

    def read() -> TestResponse:
        browser = parties.app.test_client()
        for _ in range(5):
            began = time.monotonic()
            response = browser.get("/api/oauth/userinfo", headers={"Authorization": "Bearer x"})
            waited.append(time.monotonic() - began)
        return response

    answers = at_once([read, *(login() for _ in range(8))])
    assert [answer.status_code for answer in answers] == [401] + [303] * 8
    assert max(waited) < 20


def changed(parties: Parties, change: Callable[[Any], T]) -> Callable[[], T]:
    """An administrator who changes something of a client."""

    def commit() -> T:
        with parties.app.app_context():
            services = parties.app.extensions["services"]
            outcome = change(services.clients)
            services.db.commit()
            return outcome

    return commit


def test_u313_of_many_new_secrets_the_last_is_the_one(parties: Parties) -> None:
    client = parties.client(is_confidential=True)
    rotate = changed(parties, lambda clients: clients.rotate_secret(client.client_id))
    secrets = at_once([rotate] * 8)
    form = {"grant_type": "refresh_token", "refresh_token": "unknown"}
    outcomes = [
        RelyingParty(parties.nobody, client.client_id, secret).token(**form).json["error"]
        for secret in [*secrets, client.secret]
    ]
    assert sorted(outcomes) == ["invalid_client"] * 8 + ["invalid_grant"]


def test_u313_a_client_that_is_disabled_while_it_is_edited_stays_disabled(parties: Parties) -> None:
    for _ in range(ROUNDS):
        client = parties.client(is_confidential=True)
        tokens = client.tokens()
        rotate = changed(parties, lambda clients, name=client.client_id: clients.rotate_secret(name))  # type: ignore[misc]
        disable = changed(parties, lambda clients, name=client.client_id: clients.disable(name))  # type: ignore[misc]
        *secrets, _ = at_once([rotate, rotate, rotate, disable])
        for secret in secrets:
            party = RelyingParty(parties.nobody, client.client_id, secret)
            is_refused(party.refresh(tokens["refresh_token"]), "invalid_client", 401)
        is_challenged(client.userinfo(tokens["access_token"]))
        assert "client_id" in Markup(is_text(client.authorize())).text


def is_text(response: TestResponse) -> str:
    is_page(response)
    return response.text


def test_u313_two_clients_of_one_name_are_one(parties: Parties) -> None:
    name = f"twice-{parties.app.extensions['services'].settings.storage.database_url[:3]}"
    make = ("clients", "create", name, "--redirect-uri", "https://twice.example.com/cb", "--scope", SCOPE)
    assert parties.run(*make).exit_code == 0
    again = parties.run(*make)
    assert again.exit_code != 0
    assert [client["client_id"] for client in listed(parties, "clients")].count(name) == 1

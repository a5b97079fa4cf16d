"""Section C, refresh tokens: bound to their client, replaced at each use, ended with what they hang on.

RFC 6749 sections 6 and 10.4, RFC 9700 section 4.14, OpenID Connect Core section 12.2.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.foundation.environment import NOBODY
from tests.conformance import id_tokens
from tests.databases import SqliteDatabases
from tests.flows.test_at_rest import findings
from tests.relying_party import VERIFIER, RelyingParty, log_in
from tests.security.answers import is_challenged, is_json, is_refused
from tests.security.parties import Parties, left, opened

TOKEN = "/api/oauth/token"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("garbage", "invalid_grant"),
        ("x" * 64, "invalid_grant"),
        ("x" * 8192, "invalid_grant"),
        ("x" * 8193, "invalid_request"),
        ("\u00e9" * 64, "invalid_grant"),
        ("a\x00b", "invalid_request"),
        ("' or '1'='1", "invalid_grant"),
    ],
    ids=["missing", "empty", "garbage", "of the right length", "long", "too long", "no ascii", "NUL", "SQL"],
)
@pytest.mark.parametrize("client", ["web", "spa"])
def test_c70_what_is_no_refresh_token_gets_nothing(
    parties: Parties, client: str, token: str | None, error: str
) -> None:
    party: RelyingParty = getattr(parties, client)
    is_refused(party.token(grant_type="refresh_token", refresh_token=token), error)


@pytest.mark.parametrize("name", ["grant_type", "refresh_token", "scope", "client_id", "unknown"])
def test_c70_no_parameter_comes_twice(parties: Parties, name: str) -> None:
    token = parties.spa.tokens()["refresh_token"]
    good = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "scope": "openid",
        "client_id": "spa",
        "unknown": "1",
    }
    for second in (good[name], "another", ""):
        twice: dict[str, str | list[str]] = {**good, name: [good[name], second]}
        is_refused(parties.browser.post(TOKEN, data=twice), "invalid_request")
    assert parties.browser.post(TOKEN, data=good).status_code == 200


def test_c70_a_refresh_token_in_the_query_does_not_count(parties: Parties) -> None:
    good = {"grant_type": "refresh_token", "refresh_token": parties.spa.tokens()["refresh_token"], "client_id": "spa"}
    is_refused(parties.browser.post(TOKEN, query_string=good), "invalid_request")
    refused = parties.browser.get(TOKEN, query_string=good)
    assert (refused.status_code, refused.json["error"]) == (405, "invalid_request")


@pytest.mark.parametrize(("client", "generations"), [("web", 1), ("spa", 3)])
def test_c71_reuse_after_the_window_ends_the_whole_family(fresh: Parties, client: str, generations: int) -> None:
    party: RelyingParty = getattr(fresh, client)
    others = party.tokens()
    family = [party.tokens()]
    for _ in range(generations):
        family.append(is_json(party.refresh(family[-1]["refresh_token"])))
    fresh.clock.advance(seconds=11)
    assert is_refused(party.refresh(family[0]["refresh_token"]), "invalid_grant") == "Invalid or expired refresh token"
    for tokens in reversed(family):
        is_refused(party.refresh(tokens["refresh_token"]), "invalid_grant")
        is_challenged(party.userinfo(tokens["access_token"]))
    assert party.userinfo(others["access_token"]).status_code == 200
    assert party.refresh(others["refresh_token"]).status_code == 200


def test_c71_reuse_within_the_window_ends_the_family_once_the_successor_was_used(parties: Parties) -> None:
    first = parties.spa.tokens()
    second = is_json(parties.spa.refresh(first["refresh_token"]))
    third = is_json(parties.spa.refresh(second["refresh_token"]))
    is_refused(parties.spa.refresh(first["refresh_token"]), "invalid_grant")
    is_refused(parties.spa.refresh(third["refresh_token"]), "invalid_grant")
    is_challenged(parties.spa.userinfo(third["access_token"]))


@pytest.mark.parametrize("thief", ["other", "spa", "third"])
def test_c75_another_client_gets_nothing_for_it_and_spoils_nothing(parties: Parties, thief: str) -> None:
    party: RelyingParty = getattr(parties, thief)
    tokens = parties.web.tokens()
    is_refused(party.refresh(tokens["refresh_token"]), "invalid_grant")
    assert parties.web.userinfo(tokens["access_token"]).status_code == 200
    assert parties.web.refresh(tokens["refresh_token"]).status_code == 200


def test_c75_the_replaced_token_of_another_client_ends_nothing(fresh: Parties) -> None:
    first = fresh.web.tokens()["refresh_token"]
    second = fresh.web.refresh(first).json["refresh_token"]
    fresh.clock.advance(seconds=11)
    is_refused(fresh.other.refresh(first), "invalid_grant")
    assert fresh.web.refresh(second).status_code == 200


def test_c75_the_token_of_a_public_client_is_bound_to_it_as_well(parties: Parties) -> None:
    token = parties.spa.tokens()["refresh_token"]
    is_refused(parties.client().refresh(token), "invalid_grant")
    is_refused(parties.web.refresh(token), "invalid_grant")
    assert parties.spa.refresh(token).status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client_id": "web"},
        {"client_id": "web", "client_secret": ""},
        {"client_id": "web", "client_secret": "wrong"},
        {"client_id": "web", "client_assertion": "e30.e30.e30", "client_assertion_type": "x"},
    ],
    ids=["nothing", "id alone", "empty secret", "wrong secret", "assertion"],
)
def test_c76_a_confidential_client_proves_itself_at_each_refresh(parties: Parties, credentials: dict[str, str]) -> None:
    token = parties.web.tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, **credentials}
    is_refused(parties.browser.post(TOKEN, data=form), "invalid_client", 401)
    assert parties.web.refresh(token).status_code == 200


@pytest.mark.parametrize(
    "scope", ["openid profile email", "email", "openid admin:full", "manage:models", "OPENID", "*"]
)
def test_c77_scope_never_widens(parties: Parties, scope: str) -> None:
    tokens = parties.web.tokens(scope="openid profile")
    is_refused(parties.web.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    assert is_json(parties.web.refresh(tokens["refresh_token"]))["scope"] == "openid profile"


def test_c77_scope_narrows_for_one_answer_and_the_family_keeps_its_own(parties: Parties) -> None:
    tokens = parties.web.tokens(scope="openid profile email")
    narrow = is_json(parties.web.refresh(tokens["refresh_token"], scope="email profile"))
    assert (narrow["scope"], "id_token" in narrow) == ("email profile", False)
    assert id_tokens.claims(narrow["access_token"])["scope"] == "email profile"
    whole = is_json(parties.web.refresh(narrow["refresh_token"], scope="openid profile email"))
    assert whole["scope"] == "openid profile email"
    assert is_json(parties.web.refresh(whole["refresh_token"], scope=""))["scope"] == "openid profile email"


def test_c78_a_refresh_token_is_no_access_token(parties: Parties) -> None:
    token = parties.web.tokens()["refresh_token"]
    is_challenged(parties.web.userinfo(token))
    is_challenged(parties.browser.post("/api/oauth/userinfo", data={"access_token": token}))
    assert parties.web.refresh(token).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "id_token", "code", "cookie"])
def test_c79_nothing_else_is_a_refresh_token(parties: Parties, kind: str) -> None:
    cookie = parties.browser.get_cookie("portal_session")
    assert cookie
    others = {**parties.web.tokens(), "code": parties.web.code(), "cookie": cookie.value}
    is_refused(parties.web.refresh(others[kind]), "invalid_grant")


def revoke(parties: Parties, client: RelyingParty, email: str, tokens: dict[str, str]) -> None:
    auth = (client.client_id, client.secret or "")
    assert (
        client.browser.post("/api/oauth/revoke", data={"token": tokens["refresh_token"]}, auth=auth).status_code == 200
    )


def withdraw(parties: Parties, client: RelyingParty, email: str, tokens: dict[str, str]) -> None:
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        services.consents.withdraw(services.accounts.find(email).id, client.client_id, NOBODY)
        services.db.session.commit()


def log_out(parties: Parties, client: RelyingParty, email: str, tokens: dict[str, str]) -> None:
    left(client.browser)


def log_out_by_hint(parties: Parties, client: RelyingParty, email: str, tokens: dict[str, str]) -> None:
    query = {"id_token_hint": tokens["id_token"]}
    assert client.browser.get("/api/oauth/logout", query_string=query).location == "/logged-out?client_id=web"


def log_out_everywhere(parties: Parties, client: RelyingParty, email: str, tokens: dict[str, str]) -> None:
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        services.sessions.end_all(services.accounts.find(email).id, "test", NOBODY)
        services.db.session.commit()


def change_password(parties: Parties, client: RelyingParty, email: str, tokens: dict[str, str]) -> None:
    assert parties.run("users", "set-password", email, "--password", "another battery 10").exit_code == 0


@pytest.mark.parametrize(
    "end",
    [revoke, withdraw, log_out, log_out_by_hint, log_out_everywhere, change_password],
    ids=lambda end: end.__name__,
)
def test_c80_it_ends_with_what_it_hangs_on(parties: Parties, end: Callable[..., None]) -> None:
    client, email = parties.visit()
    first = client.tokens()
    second = is_json(client.refresh(first["refresh_token"]))
    end(parties, client, email, second)
    for tokens in (second, first):
        is_refused(client.refresh(tokens["refresh_token"]), "invalid_grant")
        is_challenged(client.userinfo(tokens["access_token"]))


def test_c80_logging_out_ends_nothing_of_another_device(parties: Parties) -> None:
    client, email = parties.visit()
    phone = RelyingParty(parties.app.test_client(), "web", parties.web.secret)
    assert log_in(phone.browser, email=email).status_code == 303
    tokens = phone.tokens()
    left(client.browser)
    assert phone.userinfo(tokens["access_token"]).status_code == 200
    assert phone.refresh(tokens["refresh_token"]).status_code == 200


def test_c81_a_disabled_person_refreshes_nothing(parties: Parties) -> None:
    client, email = parties.visit()
    tokens = client.tokens()
    assert parties.run("users", "disable", email).exit_code == 0
    is_refused(client.refresh(tokens["refresh_token"]), "invalid_grant")
    is_challenged(client.userinfo(tokens["access_token"]))


@pytest.mark.parametrize("is_confidential", [True, False], ids=["confidential", "public"])
def test_c81_a_disabled_client_refreshes_nothing(parties: Parties, is_confidential: bool) -> None:
    client = parties.client(is_confidential=is_confidential)
    tokens = client.tokens()
    assert parties.run("clients", "disable", client.client_id).exit_code == 0
    is_refused(client.refresh(tokens["refresh_token"]), "invalid_client", 401)
    is_challenged(client.userinfo(tokens["access_token"]))


def test_c83_a_family_ends_however_often_it_is_used(fresh: Parties) -> None:
    answer = fresh.web.tokens()
    lives = [answer["refresh_expires_in"]]
    for _ in range(4):
        fresh.clock.advance(days=22)
        answer = is_json(fresh.web.refresh(answer["refresh_token"]))
        lives.append(answer["refresh_expires_in"])
    day = 86400
    assert lives == [30 * day, 30 * day, 30 * day, 24 * day, 2 * day]
    fresh.clock.advance(days=1, hours=23, minutes=59)
    answer = is_json(fresh.web.refresh(answer["refresh_token"]))
    assert answer["refresh_expires_in"] == 60
    fresh.clock.advance(minutes=1)
    is_refused(fresh.web.refresh(answer["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 400), (86400, 400)])
def test_c84_a_token_that_is_not_used_ends(fresh: Parties, seconds: int, status: int) -> None:
    token = fresh.web.tokens()["refresh_token"]
    fresh.clock.advance(days=30, seconds=seconds)
    response = fresh.web.refresh(token)
    assert response.status_code == status
    if status == 400:
        is_refused(response, "invalid_grant")


@pytest.mark.parametrize("client", ["web", "spa"])
def test_c85_a_lost_answer_is_given_again_twice_and_makes_no_second_family(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    token = party.tokens()["refresh_token"]
    connections = [RelyingParty(parties.app.test_client(), client, party.secret) for _ in range(3)]
    answers = [is_json(connection.refresh(token)) for connection in connections]
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert len({id_tokens.claims(answer["access_token"])["jti"] for answer in answers}) == 1
    is_refused(party.refresh(token), "invalid_grant")
    after = is_json(party.refresh(answers[0]["refresh_token"]))
    assert party.userinfo(after["access_token"]).status_code == 200


def test_c85_the_window_ends(fresh: Parties) -> None:
    token = fresh.web.tokens()["refresh_token"]
    successor = is_json(fresh.web.refresh(token))["refresh_token"]
    fresh.clock.advance(seconds=10)
    assert is_json(fresh.web.refresh(token))["refresh_token"] == successor
    fresh.clock.advance(seconds=1)
    is_refused(fresh.web.refresh(token), "invalid_grant")
    is_refused(fresh.web.refresh(successor), "invalid_grant")


def test_c85_without_a_window_the_second_use_ends_the_family(sqlite_databases: SqliteDatabases, tmp_path: Path) -> None:
    with opened(sqlite_databases, tmp_path / "strict", REFRESH_REUSE_WINDOW_SECONDS="0") as strict:
        token = strict.web.tokens()["refresh_token"]
        successor = is_json(strict.web.refresh(token))
        is_refused(strict.web.refresh(token), "invalid_grant")
        is_refused(strict.web.refresh(successor["refresh_token"]), "invalid_grant")
        is_challenged(strict.web.userinfo(successor["access_token"]))


def test_c86_the_id_token_of_a_refresh_is_about_the_same_login(fresh: Parties) -> None:
    tokens = fresh.web.tokens()
    first = id_tokens.claims(tokens["id_token"])
    fresh.clock.advance(minutes=30)
    refreshed = is_json(fresh.web.refresh(tokens["refresh_token"]))
    second = id_tokens.claims(refreshed["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert second[name] == first[name]
    assert "nonce" not in second
    assert (second["iat"] - first["iat"], second["exp"] - first["exp"]) == (1800, 1800)
    assert second["at_hash"] == id_tokens.left_half_hash(refreshed["access_token"])
    assert id_tokens.header(refreshed["id_token"]) == id_tokens.header(tokens["id_token"])


def test_c87_nothing_that_is_stored_is_as_good_as_a_token_a_code_or_a_secret(parties: Parties) -> None:
    tokens = parties.web.tokens()
    refreshed = is_json(parties.web.refresh(tokens["refresh_token"]))
    cookie = parties.browser.get_cookie("portal_session")
    assert cookie
    hidden = {
        "first refresh token": tokens["refresh_token"],
        "second refresh token": refreshed["refresh_token"],
        "access token": refreshed["access_token"],
        "id token": refreshed["id_token"],
        "unused code": parties.web.code(),
        "client secret": parties.web.secret or "",
        "verifier": VERIFIER,
        "cookie": cookie.value,
    }
    stored = {path.name: path.read_bytes() for path in parties.directory.iterdir() if ".db" in path.name}
    # What is looked for is really there to be found: the client, the person, the session.
    everything = b"".join(stored.values())
    for known in (b"web", parties.ada.encode(), id_tokens.claims(tokens["id_token"])["sid"].encode()):
        assert known in everything
    assert findings(hidden, stored) == []

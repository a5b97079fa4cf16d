"""``trace`` and ``GET trace/<id>``: why a session or grant is over, and what was decided in a request."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.account.sentences import REASONS
from app.models import AuditLog, TokenFamily, UserSession
from app.services.oversight.trace import ENDINGS
from tests.api.service.backends import Backend
from tests.conformance import id_tokens
from tests.databases import SqliteDatabases
from tests.relying_party import RelyingParty
from tests.security.parties import Parties, left, opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """The parties of this file, on each engine."""
    databases: SqliteDatabases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases"
    )
    with opened(databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


@pytest.fixture(scope="module")
def backend(parties: Parties) -> Backend:
    """A service that may read the trail."""
    return Backend(parties.app, "admin:system admin:oauth")


def traced(parties: Parties, subject: str) -> dict[str, Any]:
    """What the command says."""
    result = parties.run("trace", subject, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def logged_in(parties: Parties) -> tuple[RelyingParty, dict[str, Any], str, str]:
    """Somebody new at the application: the browser, its tokens, the session and the grant."""
    party, email = parties.visit()
    tokens = party.tokens()
    session_id = str(id_tokens.claims(tokens["access_token"])["sid"])
    with parties.app.app_context():
        session = parties.app.extensions["services"].db.session
        grant_id = session.query(TokenFamily).filter_by(session_id=session_id).one().id
        assert session.get(UserSession, session_id)
    return party, {**tokens, "email": email}, session_id, grant_id


def test_a_logout_elsewhere_is_told_of_session_and_grant(parties: Parties, backend: Backend) -> None:
    party, _, session_id, grant_id = logged_in(parties)
    assert traced(parties, session_id)["why"] == ["The session is open."]
    left(party.browser)
    ended = "because the person logged out, here or at an application."
    assert traced(parties, session_id.upper())["why"] == [f"The session ended {ended}"]
    found = backend.get(f"/trace/{grant_id}")
    assert (found["kind"], found["id"]) == ("grant", grant_id)
    assert found["why"] == [f"The grant ended {ended}", f"The session ended {ended}"]
    told = [each["what"] for each in found["decisions"]]
    assert set(told) >= {"grant began", "oauth:code:redeemed", "session:ended", "grant ended"}
    assert [each["at"] for each in found["decisions"]] == sorted(each["at"] for each in found["decisions"])


def test_a_reused_token_is_told_with_the_request_in_which_it_came(parties: Parties) -> None:
    party, tokens, session_id, grant_id = logged_in(parties)
    party.refresh(tokens["refresh_token"])
    parties.clock.advance(minutes=1)
    refused = party.refresh(tokens["refresh_token"])
    why = traced(parties, grant_id)["why"]
    reused = "because a refresh token that was replaced before was used again, so it may be stolen."
    assert why == [f"The grant ended {reused}", "The session is open."]
    request = traced(parties, refused.headers["X-Request-ID"])
    assert request["kind"] == "request"
    assert {each["what"] for each in request["decisions"]} >= {"oauth:refresh:reused"}
    assert {each["request_id"] for each in request["decisions"]} == {refused.headers["X-Request-ID"]}
    assert session_id in {each["session_id"] for each in traced(parties, session_id)["decisions"]}
    plain = parties.run("trace", grant_id)
    assert reused in plain.output
    assert tokens["refresh_token"] not in plain.output


def test_an_administrators_end_says_by_whom(parties: Parties, backend: Backend) -> None:
    _, _, session_id, _ = logged_in(parties)
    answer = backend.send("DELETE", f"/sessions/{session_id}")
    found = traced(parties, session_id)
    assert found["why"] == ["The session ended because an administrator ended it by the service API."]
    (end,) = [each for each in found["decisions"] if each["what"] == "session:ended"]
    assert (end["by"], end["request_id"]) == (backend.client_id, answer.headers["X-Request-ID"])


def test_an_expired_session_says_so(parties: Parties) -> None:
    _, _, session_id, _ = logged_in(parties)
    now = parties.clock.now
    try:
        parties.clock.advance(days=400)
        assert traced(parties, session_id)["why"] == ["The session expired: its longest life was over."]
    finally:
        parties.clock.now = now


def test_a_person_is_traced_and_the_records_of_others_are_not_among_them(parties: Parties) -> None:
    _, one, session_id, _ = logged_in(parties)
    _, _, other_session, _ = logged_in(parties)
    found = traced(parties, one["email"])
    assert found["kind"] == "person"
    assert {each["user_id"] for each in found["decisions"]} == {found["id"]}
    assert session_id in str(found)
    assert other_session not in str(found)
    assert traced(parties, found["id"]) == found


def test_reading_is_on_record_and_the_unknown_is_not_found(parties: Parties, backend: Backend) -> None:
    _, one, session_id, _ = logged_in(parties)
    backend.get(f"/trace/{session_id}")
    with parties.app.app_context():
        rows = parties.app.extensions["services"].db.session.query(AuditLog).filter_by(action="audit:read").all()
    read = [row for row in rows if row.details.get("of") == session_id]
    assert [(row.actor, row.details["trace"]) for row in read] == [(backend.client_id, "session")]
    for unknown in ("never-was", "00000000-0000-4000-8000-000000000000", "x%00y", "%27", one["email"]):
        assert backend.get(f"/trace/{unknown}", 404)["error"] == "not_found"
    assert parties.run("trace", "never-was").exit_code == 1


def test_the_scope_decides(parties: Parties) -> None:
    other = Backend(parties.app, "admin:users", client_id="only-users")
    assert other.send("GET", f"/trace/{parties.ada}").status_code == 403


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) <= set(ENDINGS)

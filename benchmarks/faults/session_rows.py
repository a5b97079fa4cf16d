"""R16: one person has ten thousand sessions. Listing them, ending one and ending all is quick, and a login is as ever.

They are put in by SQL as copies of one that was begun by a login, each with tokens of its own.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import requests
import sqlalchemy as sa

from app.models import RefreshToken, TokenFamily, User, UserSession, new_id
from app.services.foundation.environment import random_token, sha256
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import on_postgresql, on_sqlite
from tests.servers import unrestricted_engine

SESSIONS = 10_000
EMAIL, PASSWORD = "many@example.com", "correct horse battery 9"
LONGEST_LIST, LONGEST_END, LONGEST_END_ALL = 0.3, 0.3, 2.0
TIMES_SLOWER = 2.0
SAMPLES = 12
TRIES = 5
API = "/api/v1/auth"


class Person:
    """The person with all these sessions, at the API."""

    def __init__(self, run: Run) -> None:
        self.url = run.stand.portal.url
        self.token = self.log_in()

    def log_in(self) -> str:
        """Begin another session; answers its access token."""
        form = {"email": EMAIL, "password": PASSWORD}
        return str(self.ask("POST", f"{API}/login", json=form, token="").json()["access_token"])

    def ask(self, method: str, path: str, token: str | None = None, **arguments: Any) -> requests.Response:
        """A request over a connection of its own, so that any worker may get it."""
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer = requests.request(method, f"{self.url}{path}", headers=headers, timeout=60, **arguments)
        answer.raise_for_status()
        return answer

    def is_in(self, cookie: str) -> bool:
        """Whether a session's cookie opens anything."""
        page = requests.get(f"{self.url}/logout", cookies={"portal_session": cookie}, timeout=60, allow_redirects=False)
        return page.status_code == 200


def many(run: Run) -> None:
    """Make, list, end one, end all; each as often as its time is to be trusted."""
    portal = run.stand.portal
    portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--verified")
    person = Person(run)
    login_before = _fastest(person.log_in)
    began = time.monotonic()
    cookies = _insert(portal.environment["DATABASE_URL"])
    run.facts.append(f"{SESSIONS:,} sessions with tokens put in within {time.monotonic() - began:.0f} s")
    memory = _memory(portal.workers)
    login = _fastest(person.log_in)
    found = person.ask("GET", f"{API}/sessions").json()
    first = _fastest(lambda: person.ask("GET", f"{API}/sessions"))
    later = _fastest(lambda: person.ask("GET", f"{API}/sessions", params={"cursor": found["next"]}))
    one = _fastest(lambda: _end_one(person))
    began = time.monotonic()
    ended = person.ask("POST", f"{API}/logout/all").json()
    all_of_them = time.monotonic() - began
    grown = _memory(portal.workers) - memory
    run.facts.append(
        f"login {login_before * 1000:.0f} ms before, {login * 1000:.0f} ms with them; first page"
        f" {first * 1000:.0f} ms, second {later * 1000:.0f} ms, end one {one * 1000:.0f} ms, end all"
        f" {ended['sessions_invalidated']:,} {all_of_them * 1000:.0f} ms; workers grew by {grown:.0f} MB"
    )
    run.has_bitten = found["active_sessions"] > SESSIONS <= ended["sessions_invalidated"]
    limits = {
        "the list took too long": max(first, later) > LONGEST_LIST,
        "ending one took too long": one > LONGEST_END,
        "ending all took too long": all_of_them > LONGEST_END_ALL,
        "a login takes longer with many sessions": login > TIMES_SLOWER * login_before,
        "a session that ended is accepted": any(person.is_in(each) for each in cookies[:: SESSIONS // SAMPLES]),
        "an access token that ended is accepted": _is_accepted(person),
    }
    run.problems += [problem for problem, is_so in limits.items() if is_so]
    _forget(portal.environment["DATABASE_URL"])


def _insert(url: str) -> list[str]:
    """Copy the person's session, its family and its refresh token; answers the values of the new cookies."""
    engine = unrestricted_engine(url)
    models = (User, UserSession, TokenFamily, RefreshToken)
    user, session, family, refresh = (cast(sa.Table, each.__table__) for each in models)
    with engine.begin() as connection:
        is_theirs = session.c.user_id.in_(sa.select(user.c.id).where(user.c.email == EMAIL))
        a_session = dict(connection.execute(sa.select(session).where(is_theirs).limit(1)).mappings().one())
        of_it = family.c.session_id == a_session["id"]
        a_family = dict(connection.execute(sa.select(family).where(of_it).limit(1)).mappings().one())
        of_that = refresh.c.family_id == a_family["id"]
        a_refresh = dict(connection.execute(sa.select(refresh).where(of_that).limit(1)).mappings().one())
        cookies = [random_token(256) for _ in range(SESSIONS)]
        rows: dict[sa.Table, list[dict[str, Any]]] = {session: [], family: [], refresh: []}
        for cookie in cookies:
            session_id, family_id, jti = new_id(), new_id(), random_token(192)
            issued = {"session_id": session_id, "access_jti": jti}
            rows[session].append({**a_session, "id": session_id, "token_hash": sha256(cookie)})
            rows[family].append({**a_family, **issued, "id": family_id})
            rows[refresh].append(
                {**a_refresh, **issued, "id": new_id(), "family_id": family_id, "token_hash": sha256(jti)}
            )
        for table, values in rows.items():
            connection.execute(sa.insert(table), values)
    return cookies


def _forget(url: str) -> None:
    """Remove the person with all that is theirs: no code led to these tokens, which the audit would miss."""
    with unrestricted_engine(url).begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        user = cast(sa.Table, User.__table__)
        connection.execute(sa.delete(user).where(user.c.email == EMAIL))


def _fastest(ask: Callable[[], object]) -> float:
    """Seconds of the fastest of some tries: what it costs, not what else the machine does."""
    taken = []
    for _ in range(TRIES):
        began = time.monotonic()
        ask()
        taken.append(time.monotonic() - began)
    return min(taken)


def _end_one(person: Person) -> None:
    others = [each for each in person.ask("GET", f"{API}/sessions").json()["sessions"] if not each["current"]]
    person.ask("DELETE", f"{API}/sessions/{others[-1]['session_id']}")


def _is_accepted(person: Person) -> bool:
    address = f"{person.url}{API}/me"
    headers = {"Authorization": f"Bearer {person.token}"}
    return any(requests.get(address, headers=headers, timeout=60).status_code != 401 for _ in range(SAMPLES))


def _memory(pids: list[int]) -> float:
    """Megabytes the largest worker holds."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return max(int(cast(re.Match[str], re.search(r"VmRSS:\s+(\d+)", text))[1]) for text in texts) / 1024


ROWS = (
    Row("R16 redis", "10,000 sessions of one person, PostgreSQL and Redis", on_postgresql, many, people=1),
    Row("R16 embedded", "10,000 sessions of one person, SQLite", on_sqlite, many, people=1),
)

"""Replays the ledger over the wire: what was ended is over in every respect, what lives works, nothing comes twice."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

from benchmarks.faults.client import SESSION_COOKIE, Client
from benchmarks.faults.ledger import digest
from benchmarks.faults.standing import Family, Session, Standing
from benchmarks.faults.wire import Line, Tape

THREADS = 6
Check = Callable[[Line], Iterable[str]]


class Auditor:
    """Asks the portal about everything in a ledger; ``tape`` has its requests, ``checks`` counts what was asked."""

    def __init__(self, client: Client, port: int, standing: Standing) -> None:
        self.tape = Tape()
        self.checks = 0
        self._client = client
        self._standing = standing
        self._lines: SimpleQueue[Line] = SimpleQueue()
        self._port = port

    def run(self) -> list[str]:
        """Every violation. First what leaves no trace, then what uses tokens up, then what ends families."""
        standing = self._standing
        families = [family for family in standing.families.values() if family.accesses]
        dead = [family for family in families if family.is_dead]
        alive = [family for family in families if family.is_alive]
        lines = [Line(self._port, self.tape) for _ in range(THREADS)]
        for line in lines:
            self._lines.put(line)
        found = list(self._double_children())
        found += self._all([partial(self._is_over, family) for family in dead])
        found += self._all([partial(self._works, family) for family in alive])
        found += self._all([partial(self._session_stands, session) for session in standing.sessions.values()])
        found += self._all([partial(self._goes_on, family) for family in alive])
        found += self._all([partial(self._is_given_once, family) for family in families])
        for line in lines:
            line.close()
        found += [f"audit: {sample.kind} answered {sample.status}" for sample in self.tape.samples if sample.has_failed]
        return found

    def _all(self, checks: list[Check]) -> list[str]:
        self.checks += len(checks)
        with ThreadPoolExecutor(THREADS) as pool:
            return [each for found in pool.map(self._carry_out, checks) for each in found]

    def _carry_out(self, check: Check) -> list[str]:
        line = self._lines.get()
        try:
            return list(check(line))
        finally:
            self._lines.put(line)

    def _double_children(self) -> Iterator[str]:
        for parent, children in self._standing.children.items():
            if len(children) > 1:
                yield f"ledger: {digest(parent)[:12]} has {len(children)} children"

    def _is_over(self, family: Family, line: Line) -> Iterator[str]:
        """Revoked or logged out: no token of it is worth anything."""
        for access in family.accesses:
            yield from self._is_worthless(family, access, line)
        for refresh in family.refreshes:
            if self._client.introspect(line, refresh).json() != {"active": False}:
                yield _violation(family, "introspection calls its ended refresh token active")
        answer = self._client.refresh(line, family.refreshes[-1])
        if (answer.status, answer.json().get("error")) != (400, "invalid_grant"):
            yield _violation(family, f"its ended refresh token got {answer.status}")

    def _is_worthless(self, family: Family, access: str, line: Line) -> Iterator[str]:
        status = self._client.userinfo(line, access).status
        if status != 401:
            yield _violation(family, f"userinfo of an ended access token answered {status}")
        if self._client.introspect(line, access).json() != {"active": False}:
            yield _violation(family, "introspection calls its ended access token active")

    def _works(self, family: Family, line: Line) -> Iterator[str]:
        """Nothing ended it: all its access tokens but those denied are good, and its newest refresh token is."""
        for access in family.accesses:
            if access in family.denied:
                yield from self._is_worthless(family, access, line)
                continue
            status = self._client.userinfo(line, access).status
            if status != 200:
                yield _violation(family, f"userinfo of a live access token answered {status}")
            if self._client.introspect(line, access).json().get("active") is not True:
                yield _violation(family, "introspection calls its live access token inactive")
        if self._client.introspect(line, family.refreshes[-1]).json().get("active") is not True:
            yield _violation(family, "introspection calls its live refresh token inactive")

    def _session_stands(self, session: Session, line: Line) -> Iterator[str]:
        """Silent authorization: refused where the session ended, a code where it lives."""
        if session.is_unsure and not session.is_ended:
            return
        answer = self._client.authorize(line, {SESSION_COOKIE: session.cookie}, is_silent=True)
        given = answer.parameters
        name = f"audit: session {digest(session.cookie)[:12]}"
        if session.is_ended:
            if given.get("error") != "login_required":
                yield f"{name} ended, and silent authorization answered {answer.status} {given.get('error', 'a code')}"
        elif "code" not in given and session.email in self._standing.consented:
            yield f"{name} lives, and silent authorization answered {answer.status} {given.get('error', '')}"

    def _goes_on(self, family: Family, line: Line) -> Iterator[str]:
        """A living family can be refreshed."""
        answer = self._client.refresh(line, family.refreshes[-1])
        if answer.status != 200:
            yield _violation(family, f"its live refresh token got {answer.status}")
            return
        family.refreshes.append(answer.json()["refresh_token"])
        family.accesses.append(answer.json()["access_token"])

    def _is_given_once(self, family: Family, line: Line) -> Iterator[str]:
        """An old parent or the spent code gives nothing, and asking for it ends the family."""
        is_by_code = len(family.refreshes) < 3 or int(digest(family.code)[:2], 16) % 2
        if is_by_code:
            answer = self._client.redeem(line, family.code)
        else:
            answer = self._client.refresh(line, family.refreshes[-3])
        if (answer.status, answer.json().get("error")) != (400, "invalid_grant"):
            yield _violation(family, f"its spent {'code' if is_by_code else 'parent'} got {answer.status}")
        for access in family.accesses:
            if self._client.userinfo(line, access).status != 401:
                yield _violation(family, "an access token outlived the reuse")


def _violation(family: Family, what: str) -> str:
    return f"audit: family {digest(family.code)[:12]}: {what}"

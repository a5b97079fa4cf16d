"""A virtual user in a closed loop, with the application it uses: each step is asked until it is answered."""

import random
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from benchmarks.faults.client import SESSION_COOKIE, Client, jar
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.wire import LOST, Answer, Line, Tape
from tests.relying_party import PASSWORD, REDIRECT_URI

PAUSE_SECONDS = 0.02
RETRY_SECONDS = 0.1
UNAVAILABLE = frozenset({LOST, 500, 502, 503, 504})
# The portal promises two repeats of a refresh within ten seconds; later than this that may be over.
MOST_REPEATS, REPEAT_SECONDS = 2, 8.0
ENDS = ("keep", "revoke", "deny", "keep", "revoke", "log out")
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Over(Exception):
    """The run is over."""


@dataclass
class World:
    """What all virtual users share. ``surprises`` are answers that no fault excuses, which are violations."""

    port: int
    client: Client
    ledger: Ledger
    tape: Tape = field(default_factory=Tape)
    surprises: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class Held:
    """The newest tokens of a family."""

    code: str
    access: str = ""
    refresh: str = ""
    id_token: str = ""


class Person:
    """One virtual user; ``run`` is the body of its thread."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.line = Line(world.port, world.tape)
        self.chance = random.Random(number)  # noqa: S311
        self.cookies: dict[str, str] = {}
        self.email = ""
        self.accounts = 0
        self.visits = number
        self.has_consented = False
        self.is_in = False

    def run(self) -> None:
        """Visit until the world stops."""
        with suppress(Over):
            while True:
                if SESSION_COOKIE not in self.cookies:
                    self._enter()
                self._visit()
        self.line.close()

    def _enter(self) -> None:
        """Log in; as a new person first of all and after every second logout."""
        self.cookies.clear()
        if not self.email or self.chance.random() < 0.5:
            self._register()
        else:
            self._send_form("login", "/login", {"email": self.email, "password": PASSWORD})
        if SESSION_COOKIE not in self.cookies:  # registering need not log in
            self._send_form("login", "/login", {"email": self.email, "password": PASSWORD})
        if SESSION_COOKIE not in self.cookies:
            self._surprise("login", "no session")
            raise Over
        self._note("session began", email=self.email, cookie=self.cookies[SESSION_COOKIE])

    def _register(self) -> None:
        while True:
            self.accounts += 1
            email = f"person{self.number}.{self.accounts}@example.com"
            form = {"name": f"Person {self.number}", "email": email, "password": PASSWORD}
            # One whose answer was lost may exist, so the next try is another person.
            if self._send_form("register", "/register", form, is_once=True):
                self.email, self.has_consented = email, False
                self._note("registered", email=email)
                return

    def _visit(self) -> None:
        self.visits, self.is_in = self.visits + 1, bool(self.email)
        held = self._redeem(self._code())
        if held is None or not all(self._refresh(held) for _ in range(2)):
            return
        self._expect("userinfo", 200, lambda: self.world.client.userinfo(self.line, held.access))
        answer = self._expect("introspect", 200, lambda: self.world.client.introspect(self.line, held.access))
        if answer.json().get("active") is not True:
            self._surprise("introspect", f"a live token is {answer.json()}")
        how = ENDS[self.visits % len(ENDS)]
        if how in {"revoke", "deny"}:
            self._revoke(held, is_whole=how == "revoke")
        elif how == "log out":
            self._log_out(held)

    def _code(self) -> str:
        """A code, silently where consent was given before."""
        while True:
            answer = self._insist(lambda: self.world.client.authorize(self.line, self.cookies, is_silent=True))
            given = answer.parameters
            if "code" in given:
                self._note("code issued", code=given["code"], cookie=self.cookies[SESSION_COOKIE])
                return given["code"]
            if given.get("error") == "consent_required" and not self.has_consented:
                self._consent()
                continue
            self._surprise("authorize", f"{answer.status} {given.get('error', '')}")
            self._enter_anew()

    def _enter_anew(self) -> None:
        """After a surprise: as somebody else, so that one surprise is counted once."""
        self.email = ""
        self._enter()

    def _consent(self) -> None:
        answer = self._insist(lambda: self.world.client.authorize(self.line, self.cookies, is_silent=False))
        if answer.location.startswith(REDIRECT_URI):
            # Allowed by a form whose answer was lost.
            self.has_consented = True
            return
        path = answer.location.removeprefix(f"http://localhost:{self.world.port}")
        if self._send_form("consent", path, {"decision": "allow"}, is_once=True):
            self.has_consented = True
            self._note("consent given", email=self.email)

    def _redeem(self, code: str) -> Held | None:
        held = Held(code)
        answer = self._try_until_sure(lambda: self.world.client.redeem(self.line, code), code, repeats=0)
        if answer is None:
            return None
        self._take(held, answer)
        self._note("tokens issued", code=code, access=held.access, refresh=held.refresh)
        return held

    def _refresh(self, held: Held) -> bool:
        parent = held.refresh
        answer = self._try_until_sure(
            lambda: self.world.client.refresh(self.line, parent), held.code, repeats=MOST_REPEATS
        )
        if answer is None:
            return False
        self._take(held, answer)
        self._note("refreshed", code=held.code, parent=parent, access=held.access, refresh=held.refresh)
        return True

    def _revoke(self, held: Held, *, is_whole: bool) -> None:
        token = held.refresh if is_whole else held.access
        self._expect("revoke", 200, lambda: self.world.client.revoke(self.line, token), code=held.code)
        if is_whole:
            self._note("revoked", code=held.code)
        else:
            self._note("access revoked", code=held.code, access=token)

    def _log_out(self, held: Held) -> None:
        cookie = self.cookies[SESSION_COOKIE]
        kept = dict(self.cookies)  # the answer tells the browser to forget them, and may be lost
        self._expect("logout", 303, lambda: self.world.client.log_out(self.line, kept, held.id_token), cookie=cookie)
        self._note("session ended", cookie=cookie)
        self.cookies.clear()

    def _take(self, held: Held, answer: Answer) -> None:
        given = answer.json()
        held.access, held.refresh, held.id_token = given["access_token"], given["refresh_token"], given["id_token"]

    def _try_until_sure(self, ask: Callable[[], Answer], code: str, *, repeats: int) -> Answer | None:
        """A token request. Once an answer was lost, a refusal may be the rule: None. Otherwise it is a surprise."""
        first, lost = 0.0, 0
        while (answer := self._once(ask)).status in UNAVAILABLE:
            if not first:
                first = time.monotonic()
                self._note("unsure", code=code)
            lost += 0 if answer.was_refused else 1
            self._rest(RETRY_SECONDS)
        if answer.status == 200:
            return answer
        what = f"{answer.status} {answer.json().get('error', '')}"
        if not lost or (lost <= repeats and time.monotonic() - first < REPEAT_SECONDS):
            self._surprise("token", f"{what} after {lost} lost answers")
        self.world.given_up.append(what)
        self._note("unsure", code=code)
        return None

    def _expect(self, kind: str, status: int, ask: Callable[[], Answer], **doubtful: str) -> Answer:
        """Ask until answered; ``doubtful`` is what may be over as soon as an answer is missing."""
        answer = self._once(ask)
        if answer.status in UNAVAILABLE and doubtful:
            self._note("unsure", **doubtful)
        while answer.status in UNAVAILABLE:
            self._rest(RETRY_SECONDS)
            answer = self._once(ask)
        if answer.status != status:
            self._surprise(kind, str(answer.status))
        return answer

    def _send_form(self, kind: str, path: str, form: dict[str, str], *, is_once: bool = False) -> bool:
        """Fetch a page, fill it in and send it; whether it led on. ``is_once``: a lost answer ends it."""
        while True:
            page = self._insist(lambda: self._browse(f"{kind} page", "GET", path))
            token = CSRF.search(page.body.decode(errors="replace"))
            filled = {"csrf_token": token[1] if token else "", **form}
            answer = self._once(partial(self._browse, kind, "POST", path, filled))
            if answer.status == 303:
                return True
            if answer.status not in UNAVAILABLE:
                self._surprise(kind, str(answer.status))
            if is_once:
                return False
            self._rest(RETRY_SECONDS)

    def _browse(self, kind: str, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        answer = self.line.ask(kind, method, path, form, jar(self.cookies))
        self.cookies.update(answer.cookies)
        return answer

    def _insist(self, ask: Callable[[], Answer]) -> Answer:
        while (answer := self._once(ask)).status in UNAVAILABLE:
            self._rest(RETRY_SECONDS)
        return answer

    def _once(self, ask: Callable[[], Answer]) -> Answer:
        self._rest(self.chance.uniform(0, 2 * PAUSE_SECONDS))
        answer = ask()
        if answer.status == 503 and not answer.retry_after:
            self._surprise("503", "without Retry-After")
        return answer

    def _rest(self, seconds: float) -> None:
        if self.world.stop.wait(seconds):
            raise Over

    def _note(self, kind: str, **values: str) -> None:
        self.world.ledger.note(kind, **values)

    def _surprise(self, kind: str, what: str) -> None:
        self.world.surprises.append(f"load: {kind}: {what}")

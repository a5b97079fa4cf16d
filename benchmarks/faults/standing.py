"""What must hold: a pure function of the facts in the ledger."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.faults.ledger import Fact


@dataclass
class Session:
    """A browser's session; ``is_unsure`` while nobody knows whether its end was carried out."""

    email: str
    cookie: str
    is_ended: bool = False
    is_unsure: bool = False


@dataclass
class Family:
    """The tokens of one code, oldest first; ``denied`` are access tokens revoked one by one."""

    code: str
    session: Session
    accesses: list[str] = field(default_factory=list)
    refreshes: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    is_revoked: bool = False
    is_unsure: bool = False

    @property
    def is_dead(self) -> bool:
        """Whether an acknowledged revocation or logout ended it."""
        return self.is_revoked or self.session.is_ended

    @property
    def is_alive(self) -> bool:
        """Whether nothing ended it and nothing unacknowledged may have."""
        return not (self.is_dead or self.is_unsure or self.session.is_unsure)


class Standing:
    """``children`` are what each code and refresh token was exchanged for: one each, however often it was asked."""

    def __init__(self) -> None:
        self.registered: set[str] = set()
        self.consented: set[str] = set()
        self.sessions: dict[str, Session] = {}
        self.families: dict[str, Family] = {}
        self.children: defaultdict[str, set[str]] = defaultdict(set)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "Standing":
        """Where the facts lead, taken in their order."""
        standing = cls()
        for fact in facts:
            standing._take(fact)
        return standing

    def _take(self, fact: Fact) -> None:
        values = fact.values
        steps: dict[str, Callable[[dict[str, str]], None]] = {
            "registered": lambda given: self.registered.add(given["email"]),
            "consent given": lambda given: self.consented.add(given["email"]),
            "session began": self._session_began,
            "code issued": self._code_issued,
            "tokens issued": self._tokens,
            "refreshed": self._tokens,
            "access revoked": self._access_revoked,
            "revoked": self._revoked,
            "session ended": self._session_ended,
            "unsure": self._unsure,
        }
        steps[fact.kind](values)

    def _session_began(self, values: dict[str, str]) -> None:
        self.sessions[values["cookie"]] = Session(values["email"], values["cookie"])

    def _code_issued(self, values: dict[str, str]) -> None:
        self.families[values["code"]] = Family(values["code"], self.sessions[values["cookie"]])

    def _tokens(self, values: dict[str, str]) -> None:
        family = self.families[values["code"]]
        self.children[values.get("parent", family.code)].add(values["refresh"])
        # The repeat of a lost answer names the same refresh token and signs another copy of the access token.
        family.accesses.append(values["access"])
        if values["refresh"] not in family.refreshes:
            family.refreshes.append(values["refresh"])
        family.is_unsure = False

    def _access_revoked(self, values: dict[str, str]) -> None:
        family = self.families[values["code"]]
        family.denied.add(values["access"])
        family.is_unsure = False

    def _revoked(self, values: dict[str, str]) -> None:
        self.families[values["code"]].is_revoked = True

    def _session_ended(self, values: dict[str, str]) -> None:
        self.sessions[values["cookie"]].is_ended = True

    def _unsure(self, values: dict[str, str]) -> None:
        if "cookie" in values:
            self.sessions[values["cookie"]].is_unsure = True
        else:
            self.families[values["code"]].is_unsure = True

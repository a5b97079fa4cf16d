"""The question of the page: what an application asks for, what is new of it, and what may be left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.consent.words import Fact, facts, told_to_everybody
from app.errors import sentence
from app.languages import current_language
from app.languages import gettext as _
from app.services.clients.scopes import ScopeSentence
from app.services.grants.authorization import Pending
from app.services.grants.consents import GivenConsent
from app.services.grants.interactions import asked_scopes, optional_scopes
from app.services.sessions.policy import ActiveSession
from app.wiring import services

NOTHING = GivenConsent(frozenset())
IDENTITY, DATA, STAYING = "identity", "data", "staying"
GROUPS = {
    IDENTITY: (sentence("Who you are"), "person"),
    DATA: (sentence("Your data"), "database"),
    STAYING: (sentence("Staying connected"), "clock-history"),
}
"""Title and icon of each kind of scope."""
KIND_OF = {
    "openid": IDENTITY,
    "profile": IDENTITY,
    "read:profile": IDENTITY,
    "email": IDENTITY,
    "offline_access": STAYING,
}
EVERYBODY = sentence("See what every application here is told")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is asked for; ``scope`` is empty where it comes along whatever is allowed."""

    scope: str
    sentence: str
    facts: tuple[Fact, ...]
    is_new: bool = False
    is_optional: bool = False
    is_ticked: bool = True
    was_left_out: bool = False

    @property
    def has_more(self) -> bool:
        """Whether there is more to be told than fits a line."""
        return any(fact.more or not fact.is_at_a_glance for fact in self.facts if fact.claim != "sub")


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind."""

    kind: str
    title: str
    sign: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that is asked for: what has to be decided, grouped, and what was allowed before."""

    asked: tuple[str, ...]
    optional: frozenset[str]
    groups: tuple[Group, ...]
    known: tuple[Line, ...]

    @property
    def shown(self) -> str:
        """What stands on the page, as its form says it: nobody allows what changed since it was shown."""
        return " ".join(f"{scope}?" if scope in self.optional else scope for scope in self.asked)

    def allowed(self, ticked: Iterable[str]) -> tuple[str, ...]:
        """The scopes that are allowed with these boxes ticked."""
        kept = set(ticked)
        return tuple(scope for scope in self.asked if scope not in self.optional or scope in kept)


def question(pending: Pending, session: ActiveSession, ticked: Iterable[str] | None = None) -> Question:
    """What to ask the person of ``session``; ``ticked`` are the boxes as they were sent, if they were."""
    asked = asked_scopes(pending.request, pending.client, session)
    optional = optional_scopes(pending.client).intersection(asked)
    given = services.consents.find(session.user_id, pending.client.client_id) or NOTHING
    chosen = optional - given.declined if ticked is None else optional.intersection(ticked)
    subject = services.claims.subject(session.user_id) or session.subject
    is_divided = not given.scopes.isdisjoint(asked) and not set(asked) <= given.scopes | given.declined
    told = services.claims.by_scope(subject, asked)
    lines = [
        Line(
            each.name,
            each.sentence,
            facts(told[each.name]),
            is_new=is_divided and each.is_new and each.name not in given.declined,
            is_optional=each.name in optional,
            is_ticked=each.name not in optional or each.name in chosen,
            was_left_out=each.name in given.declined,
        )
        for each in _sentences(asked, given)
    ]
    if everybody := told_to_everybody(subject, tuple(scope for scope in asked if scope not in optional)):
        lines.append(Line("", _(EVERYBODY), facts(everybody)))
    known = tuple(line for line in lines if is_divided and line.scope in given.scopes)
    return Question(asked, optional, _grouped(line for line in lines if line not in known), known)


def _sentences(asked: tuple[str, ...], given: GivenConsent) -> list[ScopeSentence]:
    return services.scopes.sentences(asked, current_language(), given.scopes)


def _grouped(lines: Iterable[Line]) -> tuple[Group, ...]:
    found: dict[str, list[Line]] = {kind: [] for kind in GROUPS}
    for line in lines:
        found[KIND_OF.get(line.scope or "openid", DATA)].append(line)
    return tuple(
        Group(kind, _(title), sign, tuple(found[kind])) for kind, (title, sign) in GROUPS.items() if found[kind]
    )

"""What a probe is, and what one found out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.errors import sentence
from app.languages import gettext_in

if TYPE_CHECKING:
    from app.selfcheck.visit import Visit

MOST_NAMED = 6
LANGUAGES = ("en", "ko")


class Outcome(StrEnum):
    """How a probe ended. ``warned``: it holds, and something is better changed."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    NOT_TESTED = "not_tested"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its values, for whoever reads it in either language."""

    text: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def in_language(self, language: str) -> str:
        """The sentence as it is read."""
        return gettext_in(language, self.text, **self.values)

    def in_both(self) -> dict[str, str]:
        """By language."""
        return {language: self.in_language(language) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe saw, and what that means."""

    outcome: Outcome
    said: Said


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``advice`` is what to do, None where there is nothing to do."""

    name: str
    title: Said
    outcome: Outcome
    seen: Said
    advice: Said | None
    reference: str

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "title": self.title.in_both(),
            "outcome": self.outcome.value,
            "seen": self.seen.in_both(),
            "advice": self.advice.in_both() if self.advice else None,
            "reference": self.reference,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """So many of those that were tested passed."""

    passed: int
    tested: int

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> "Score":
        """The score of a report."""
        tested = [each for each in findings if each.outcome is not Outcome.NOT_TESTED]
        return cls(sum(each.outcome is Outcome.PASSED for each in tested), len(tested))


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that is tried. ``look`` raises :class:`Unreached` where the portal does not get so far."""

    name: str
    title: str
    advice: str
    reference: str
    look: Callable[["Visit"], Seen]

    def finding(self, seen: Seen) -> Finding:
        """The line of the report."""
        needs_advice = seen.outcome in {Outcome.FAILED, Outcome.WARNED} and self.advice
        advice = Said(self.advice) if needs_advice else None
        return Finding(self.name, Said(self.title), seen.outcome, seen.said, advice, self.reference)


Look = Callable[["Visit"], Seen]


class Book:
    """The probes of one subject, in their order."""

    def __init__(self) -> None:
        self.probes: list[Probe] = []

    def probe(self, title: str, *, advice: str, reference: str) -> Callable[[Look], Look]:
        """Have a function be a probe of its name."""

        def add(look: Look) -> Look:
            self.probes.append(Probe(look.__name__, title, advice, reference, look))
            return look

        return add


class Unreached(Exception):
    """Something that has to work before the probe can try anything did not; ``step`` says what, in code."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


REPORT = sentence(
    "This is a defect, or the portal was changed. Update it; if that does not help, report it to the maintainers "
    "before you publish it."
)
PROXY = sentence(
    "If the portal asked by itself answers rightly, a proxy in front changes its answers. Otherwise it is a defect: "
    "report it to the maintainers."
)
REFUSED = sentence("The portal refused every attempt. Attempts: %(count)s.")
LET_THROUGH = sentence("The portal let through: %(what)s.")
IN_ORDER = sentence("Everything that was looked at is as it has to be. Looked at: %(count)s.")
NOT_IN_ORDER = sentence("Not as it has to be: %(what)s.")
UNREACHED = sentence("Could not be tried, because an earlier step did not work: %(step)s.")
SILENT = sentence("The portal gave no answer: %(reason)s.")
BROKEN = sentence("The self-check itself failed here; the log says why.")


def refused(attempts: Mapping[str, bool]) -> Seen:
    """Of attempts by their names in code, which were let through; good is none."""
    through = [name for name, is_through in attempts.items() if is_through]
    if through:
        return Seen(Outcome.FAILED, Said(LET_THROUGH, {"what": listed(through)}))
    return Seen(Outcome.PASSED, Said(REFUSED, {"count": len(attempts)}))


def in_order(problems: Sequence[str], looked_at: int) -> Seen:
    """Of so many things those that are wrong, named in code; good is none."""
    if problems:
        return Seen(Outcome.FAILED, Said(NOT_IN_ORDER, {"what": listed(problems)}))
    return Seen(Outcome.PASSED, Said(IN_ORDER, {"count": looked_at}))


def passed(text: str, **values: str | int) -> Seen:
    """It holds."""
    return Seen(Outcome.PASSED, Said(text, values))


def failed(text: str, **values: str | int) -> Seen:
    """It does not."""
    return Seen(Outcome.FAILED, Said(text, values))


def warned(text: str, **values: str | int) -> Seen:
    """It holds, and something is better changed."""
    return Seen(Outcome.WARNED, Said(text, values))


def not_tested(text: str, **values: str | int) -> Seen:
    """It was not tried."""
    return Seen(Outcome.NOT_TESTED, Said(text, values))


def listed(names: Sequence[str]) -> str:
    """Names in code, the first few of many."""
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:MOST_NAMED]) + (f" … ({len(unique)})" if len(unique) > MOST_NAMED else "")

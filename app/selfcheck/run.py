"""A run: all probes in their order, each a finding as soon as it is there, and nothing left behind."""

import logging
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager, nullcontext
from urllib.parse import urlsplit

from app.errors import PortalError
from app.selfcheck import addresses, codes, documents, inside, pages, people, tokens, untested
from app.selfcheck.findings import (
    BROKEN,
    SILENT,
    UNREACHED,
    Finding,
    Outcome,
    Probe,
    Said,
    Score,
    Seen,
    Unreached,
)
from app.selfcheck.visit import Visit
from app.selfcheck.visitor import NoAnswer, Pace, Visitor
from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from app.services.upkeep.throwaways import BORROWER, NOTHING, Lent
from app.wiring import Services

OUTSIDE = (documents.book, codes.book, addresses.book, tokens.book, pages.book, people.book)
"""Asked over HTTP. The last of them ends the session that the others need."""
PROBES: tuple[Probe, ...] = tuple(probe for book in (*OUTSIDE, inside.book, untested.book) for probe in book.probes)
INSIDE = frozenset(probe.name for book in (inside.book, untested.book) for probe in book.probes)
"""Read from the settings and the database, or not tried at all: nobody is asked for them."""
logger = logging.getLogger("portal.selfcheck")


class CannotRun(Exception):
    """Nothing could be tried; the text says why, in one line."""


def names() -> list[str]:
    """What probes are called, in their order."""
    return [probe.name for probe in PROBES]


def run(
    services: Services, address: str = "", *, only: Collection[str] = (), caller: Caller = BORROWER
) -> Generator[Finding]:
    """Run the probes, or ``only`` some, against the portal at ``address`` (PUBLIC_URL); raises :class:`CannotRun`.

    An address may come from an operator's hand alone: whoever runs this for a request leaves it out, or gives the one
    that the server listens at. The transaction under way is committed before anything is asked. What was made for
    the run is removed when the iterator ends, be it by an error or because it is closed. ``caller`` goes on record.
    """
    chosen = [probe for probe in PROBES if not only or probe.name in only]
    found: list[Finding] = []
    is_outside = any(probe.name not in INSIDE for probe in chosen)
    origin = origin_of(address or services.settings.issuer)
    if is_outside:
        _require_portal(origin, services)
    services.throwaways.sweep()
    with _lent(services) if is_outside else nullcontext(NOTHING) as lent:
        visit = Visit(origin, services, lent)
        try:
            for probe in chosen:
                found.append(probe.finding(_look(probe, visit)))
                yield found[-1]
        finally:
            _note(services, found, caller, is_whole=len(found) == len(PROBES))


def origin_of(address: str) -> str:
    """The origin of an address; raises :class:`CannotRun` for what is none."""
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        is_usable = is_usable and parts.path in {"", "/"} and not parts.query and not parts.fragment
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable:
        raise CannotRun("The address has to be an origin, such as https://id.example.com or http://127.0.0.1:8000.")
    return f"{parts.scheme}://{parts.netloc}"


def _require_portal(origin: str, services: Services) -> None:
    visitor = Visitor(origin, services.settings.issuer, Pace(None, 0))
    try:
        answer = visitor.get("/health")
    except NoAnswer as error:
        raise CannotRun(f"{origin} does not answer ({error.reason}). Is the portal running there?") from None
    if answer.json().get("status") != "ok":
        raise CannotRun(f"What answers at {origin} is no portal: /health says {answer.status}.")


@contextmanager
def _lent(services: Services) -> Iterator[Lent]:
    """A person and applications, for as long as the block lasts."""
    try:
        lent = services.throwaways.lend()
    except PortalError as refusal:
        services.db.rollback()
        raise CannotRun(refusal.message) from refusal
    try:
        yield lent
    finally:
        services.db.rollback()
        services.throwaways.take_back(lent)


def _look(probe: Probe, visit: Visit) -> Seen:
    try:
        return probe.look(visit)
    except Unreached as reason:
        is_first = probe.look is codes.login
        return Seen(Outcome.FAILED if is_first else Outcome.NOT_TESTED, Said(UNREACHED, {"step": reason.step}))
    except NoAnswer as silence:
        return Seen(Outcome.FAILED, Said(SILENT, {"reason": silence.reason}))
    except Exception:
        logger.exception("probe_failed", extra={"probe": probe.name})
        return Seen(Outcome.NOT_TESTED, Said(BROKEN))
    finally:
        # Nobody is held up by a transaction while the portal is asked.
        visit.services.db.rollback()


def _note(services: Services, found: list[Finding], caller: Caller, *, is_whole: bool) -> None:
    score = Score.of(found)
    failures = [each.name for each in found if each.outcome is Outcome.FAILED]
    services.audit.record(
        Event.SELFCHECK_RUN,
        caller,
        error="failed" if failures else None,
        passed=score.passed,
        tested=score.tested,
        failed=" ".join(failures),
        is_whole=is_whole,
    )
    services.db.commit()

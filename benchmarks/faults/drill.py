"""One row: a calm while, the fault, another calm while, the audit, a verdict."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults import rows
from benchmarks.faults.auditor import Auditor
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.person import Person, World
from benchmarks.faults.stand import Skipped, Stand
from benchmarks.faults.standing import Standing
from benchmarks.faults.wire import HASHING, LOST, Line, Sample, Tape

BEFORE_SECONDS = 4.0
RECOVERY_SECONDS = 5.0
LONGEST_ENTRY_SECONDS = 60.0
CALM_TIMES = 2.0
AFTER_SECONDS = RECOVERY_SECONDS + 3.0


@dataclass
class Run:
    """A drill under way: what its fault acts on, and where it says what it found.

    ``facts`` are figures for the report, ``problems`` count as violations. ``has_bitten`` is for faults that leave no
    failed request: whether they were felt at all.
    """

    stand: Stand
    world: World
    is_full: bool
    facts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    has_bitten: bool = False

    def seconds(self, usual: float, full: float) -> float:
        """How long the fault lasts."""
        return full if self.is_full else usual

    @property
    def tape(self) -> Tape:
        """The requests so far."""
        return self.world.tape


@dataclass(frozen=True)
class Row:
    """What is done, and what may come of it.

    ``tolerated``: statuses of failed requests that the fault excuses while it lasts and :data:`RECOVERY_SECONDS`
    longer; ``unharmed``: kinds of requests that may not fail at all; ``slowest``: seconds no request may exceed, not
    counting those that hash a password; ``recovery``: seconds after the fault within which the last one may fail.
    """

    name: str
    title: str
    stand: Callable[[], AbstractContextManager[Stand]]
    fault: Callable[[Run], None]
    tolerated: frozenset[int] = frozenset()
    unharmed: frozenset[str] = frozenset()
    slowest: float | None = None
    recovery: float = RECOVERY_SECONDS
    people: int = 8


@dataclass
class Result:
    """A line of the table. ``skipped`` says why a row was not run; it has not passed then."""

    row: Row
    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    recovery: float = 0.0
    facts: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether it was run and nothing was wrong."""
        return not self.skipped and not self.violations


@dataclass(frozen=True)
class Window:
    """When everybody was in, when the fault began and when it ended, on the monotonic clock."""

    calm: float
    began: float
    ended: float


def run(row: Row, *, is_full: bool, keep: Path | None = None) -> Result:
    """Run a row. ``keep``: where its ledger and the portal's log go."""
    try:
        with row.stand() as stand:
            return _drill(row, stand, is_full=is_full, keep=keep)
    except Skipped as why:
        return Result(row, skipped=str(why))
    except Exception as error:  # noqa: BLE001 the other rows go on; this one has not passed
        return Result(row, violations=[f"the drill broke off: {error!r:.2000}"])


def _drill(row: Row, stand: Stand, *, is_full: bool, keep: Path | None) -> Result:
    with closing(Ledger(stand.directory / "ledger.jsonl")) as ledger:
        world = World(stand.port, stand.client, ledger)
        fault = Run(stand, world, is_full)
        people = [Person(world, number) for number in range(row.people)]
        threads = [threading.Thread(target=person.run) for person in people]
        for thread in threads:
            thread.start()
        try:
            _wait_for(people)
            calm = time.monotonic()
            time.sleep(BEFORE_SECONDS)
            began = time.monotonic()
            row.fault(fault)
            window = Window(calm, began, time.monotonic())
            time.sleep(AFTER_SECONDS)
        finally:
            world.stop.set()
            for thread in threads:
                thread.join()
        result = judge(row, fault, window)
        _audit(fault, result)
        if keep:
            name = row.name.replace(" ", "-")
            shutil.copy(ledger.path, keep / f"{name}.jsonl")
            shutil.copy(stand.portal.log, keep / f"{name}.log")
    return result


def _wait_for(people: list[Person]) -> None:
    """Until everybody has registered, which hashes as many passwords at one time; raises ``TimeoutError``."""
    end = time.monotonic() + LONGEST_ENTRY_SECONDS
    while not all(person.is_in for person in people):
        if time.monotonic() > end:
            raise TimeoutError("not everybody could register")
        time.sleep(0.05)


def judge(row: Row, fault: Run, window: Window) -> Result:
    """What the tape says."""
    tape, world = fault.tape, fault.world
    affected = tape.between(window.began, window.ended + RECOVERY_SECONDS)
    failed = [sample for sample in tape.samples if sample.has_failed]
    result = Result(row, len(tape.samples), facts=fault.facts)
    result.errors = Counter(_word(sample) for sample in affected if sample.has_failed)
    result.slowest = _slowest(affected)
    late = [sample.ended - window.ended for sample in failed]
    result.recovery = max(0.0, *late, 0.0)
    found = [*fault.problems, *world.surprises]
    found += [f"{_word(sample)} at {sample.kind}" for sample in failed if sample.status == 500]
    found += [f"{_word(sample)} at {sample.kind}" for sample in failed if not _is_excused(sample, row, window)]
    # On a machine that is busy with other things everything is slow, which is no fault of the portal.
    calm, slowest = _slowest(tape.between(window.calm, window.began)), _slowest(affected)
    if row.slowest and slowest > max(row.slowest, CALM_TIMES * calm):
        found.append(f"a request took {slowest:.2f} s, before the fault {calm:.2f} s")
    if result.recovery > row.recovery:
        found.append(f"the last request failed {result.recovery:.1f} s after the fault")
    if not fault.has_bitten and not result.errors:
        found.append("the fault was not felt")
    if world.given_up:
        result.facts.append(f"{len(world.given_up)} exchanges refused after a lost answer, as the rules say")
    result.violations = found
    return result


def _slowest(samples: list[Sample]) -> float:
    """The seconds of the slowest request that hashes no password."""
    return max((sample.seconds for sample in samples if sample.kind not in HASHING), default=0.0)


def _is_excused(sample: Sample, row: Row, window: Window) -> bool:
    is_within = sample.ended >= window.began and sample.began <= window.ended + RECOVERY_SECONDS
    return is_within and sample.status in row.tolerated and sample.kind not in row.unharmed


def _audit(fault: Run, result: Result) -> None:
    """Readiness, the ledger, the tables."""
    stand = fault.stand
    standing = Standing.of(fault.world.ledger.facts)
    line = Line(stand.port, Tape())
    ready = line.ask("ready", "GET", "/ready")
    line.close()
    if ready.status != 200 or b'"ready"' not in ready.body:
        result.violations.append(f"not ready: {ready.body.decode(errors='replace')[:200]}")
    result.violations += rows.judge(stand, standing)
    auditor = Auditor(stand.client, stand.port, standing)
    result.violations += auditor.run()
    result.violations += [f"after the audit: {each}" for each in rows.judge(stand, standing)]
    result.facts.insert(0, f"{len(fault.world.ledger.facts)} facts, {auditor.checks} of them replayed")


def _word(sample: Sample) -> str:
    return "no answer" if sample.status == LOST else str(sample.status)

"""R32: a provider of identities is down, hangs or is slow. Who comes in by it is told so, and nobody else waits."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.faults.client import jar
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Stand, on_postgresql, on_sqlite
from benchmarks.faults.wire import Line, Sample, Tape, percentile
from examples.providers.provider import Provider
from tests.flows.live_client import LiveClient
from tests.providers import Providers
from tests.relying_party import PASSWORD

TRAVELLERS = 50
WINDOW_SECONDS = 5.0
"""For each of them to come back once. What else the machine has to do changes little from one window to the next."""
SLOW_SECONDS = 1.5
"""For each of the three things that are asked of a provider when somebody comes back."""
TOKENS = frozenset({"code", "refresh"})
EMAIL = "password@example.com"
NOTICED = (("half", 0.5, 2.0, 0.25), ("95 %", 0.95, 3.0, 1.0))
"""Of requests that share: how many times slower is too slow, if it is more than so many seconds."""


@dataclass
class Traveller:
    """A browser that has been at the provider several times and comes back when it is told to."""

    run: Run
    provider: Provider
    number: int
    cookies: dict[str, str] = field(default_factory=dict)
    callbacks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line = Line(self.run.stand.port, Tape())

    def depart(self) -> None:
        """Go there, and decide to come back."""
        answer = self.line.ask("departure", "GET", f"/auth/{self.provider.name}", headers=jar(self.cookies))
        self.cookies.update(answer.cookies)
        parts = urlsplit(self.provider.visit(answer.location))
        self.callbacks.append(f"{parts.path}?{parts.query}")

    def come_back(self) -> int:
        """The status of what one is told."""
        return self.line.ask("arrival", "GET", self.callbacks.pop(), headers=jar(self.cookies)).status


@dataclass
class Phase:
    """The windows in which a provider is the same, and what those were told who came back in them."""

    windows: list[tuple[float, float]] = field(default_factory=list)
    told: Counter[int] = field(default_factory=Counter)

    def pass_by(self, travellers: list[Traveller]) -> None:
        """One more window, in which everybody comes back once."""
        began = time.monotonic()
        with ThreadPoolExecutor(len(travellers)) as pool:
            self.told.update(pool.map(Traveller.come_back, travellers))
        time.sleep(max(began + WINDOW_SECONDS - time.monotonic(), 0))
        self.windows.append((began, time.monotonic()))

    def of(self, tape: Tape) -> list[Sample]:
        """The requests in these windows."""
        return [sample for window in self.windows for sample in tape.between(*window)]


def down(run: Run) -> None:
    """Nobody listens."""
    _come_in(run, lambda provider: provider.stop(), lambda provider: provider.start(), {502})


def hanging(run: Run) -> None:
    """It takes what it is asked and never answers."""
    _come_in(run, *_switched("hang", "token"), {504, 503})


def slow(run: Run) -> None:
    """It takes its time for everything it is asked."""
    _come_in(run, *_switched("slow", SLOW_SECONDS), {303, 503, 504})


def _switched(name: str, value: float | str) -> tuple[Callable[[Provider], None], Callable[[Provider], None]]:
    return lambda provider: provider.switch(name, value), lambda provider: provider.switch(name, False)


@contextmanager
def _among_providers(on: Callable[..., AbstractContextManager[Stand]]) -> Iterator[Stand]:
    with Providers() as providers, on(**providers.environment) as stand:
        for provider in providers.all.values():
            provider.register(stand.portal.url)
        stand.providers = providers
        yield stand


def _come_in(
    run: Run, breaks: Callable[[Provider], None], mends: Callable[[Provider], None], expected: set[int]
) -> None:
    """Have many come back from a provider, in turn while it is well and while it is not; others go on meanwhile."""
    assert run.stand.providers
    provider, rounds = run.stand.providers.google, int(run.seconds(3, 12))
    travellers = [Traveller(run, provider, number) for number in range(TRAVELLERS)]
    for traveller in travellers * (2 * rounds + 1):
        traveller.depart()
    well, ill = Phase(), Phase()
    with _logging_in(run) as logins:
        for _ in range(rounds):
            well.pass_by(travellers)
            breaks(provider)
            ill.pass_by(travellers)
            mends(provider)
    run.has_bitten = True
    _judge(run, "was well", well.told, {303})
    _judge(run, "was not", ill.told, expected)
    _judge(run, "was well again", Counter(traveller.come_back() for traveller in travellers), {303})
    for traveller in travellers:
        traveller.line.close()
    tokens = Tape([sample for sample in run.tape.samples if sample.kind in TOKENS])
    for name, tape in (("password logins", logins), ("tokens", tokens)):
        _compare(run, name, well.of(tape), ill.of(tape))


def _judge(run: Run, when: str, told: Counter[int], expected: set[int]) -> None:
    counted = ", ".join(f"{count} x {status}" for status, count in sorted(told.items()))
    run.facts.append(f"came back while it {when}: {counted}")
    if told.keys() - expected:
        run.problems.append(f"came back while it {when}: {counted}")


@contextmanager
def _logging_in(run: Run) -> Iterator[Tape]:
    """Have somebody log in with a password again and again, each time in another browser."""
    run.stand.portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--verified")
    tape, is_over = Tape(), threading.Event()

    def log_in() -> None:
        while not is_over.is_set():
            began = time.monotonic()
            status = LiveClient(run.stand.portal, "nobody").log_in(EMAIL, PASSWORD).status_code
            tape.samples.append(Sample("login", began, time.monotonic(), status))
            if status != 303:
                run.problems.append(f"a login with a password got {status}")

    thread = threading.Thread(target=log_in)
    thread.start()
    try:
        yield tape
    finally:
        is_over.set()
        thread.join()


def _compare(run: Run, name: str, before: list[Sample], during: list[Sample]) -> None:
    """Nobody else may notice."""
    for word, share, times, noticed in NOTICED:
        calm, slowed = percentile(before, share), percentile(during, share)
        run.facts.append(
            f"{word} of {len(before)} and {len(during)} {name} within {calm * 1000:.0f} ms before and"
            f" {slowed * 1000:.0f} ms meanwhile, x{slowed / max(calm, 0.001):.2f}"
        )
        if slowed > max(times * calm, noticed):
            run.problems.append(f"{word} of {name} took more than {times:.0f} times as long meanwhile")


ROWS = (
    Row("R32 down", "an identity provider is down", lambda: _among_providers(on_sqlite), down, people=4),
    Row("R32 hang", "an identity provider never answers", lambda: _among_providers(on_postgresql), hanging, people=4),
    Row("R32 slow", "an identity provider is slow", lambda: _among_providers(on_postgresql), slow, people=4),
)

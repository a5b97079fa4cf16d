"""R32: a provider of identities is down, hangs or is slow. Who comes in by it is told so, and nobody else waits."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
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
TRIPS = 3
"""Of each of them, before and during the fault."""
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
    """Have many come back from a provider, first while it is well and then while it is not; others go on meanwhile."""
    assert run.stand.providers
    provider, seconds = run.stand.providers.google, run.seconds(15, 60)
    travellers = [Traveller(run, provider, number) for number in range(TRAVELLERS)]
    for traveller in travellers * (2 * TRIPS + 1):
        traveller.depart()
    with _logging_in(run) as logins:
        began = time.monotonic()
        _judge(run, "was well", _travel(travellers, seconds), {303})
        broke = time.monotonic()
        breaks(provider)
        _judge(run, "was not", _travel(travellers, seconds), expected)
        ended = time.monotonic()
    run.has_bitten = True
    mends(provider)
    _judge(run, "was well again", Counter(traveller.come_back() for traveller in travellers), {303})
    for traveller in travellers:
        traveller.line.close()
    tokens = Tape([sample for sample in run.tape.samples if sample.kind in TOKENS])
    for name, tape in (("password logins", logins), ("tokens", tokens)):
        _compare(run, name, tape.between(began, broke), tape.between(broke, ended))


def _travel(travellers: list[Traveller], seconds: float) -> Counter[int]:
    """Have each come back again and again, spread over so many seconds; answers what they were told."""
    told: Counter[int] = Counter()
    began, pause = time.monotonic(), seconds / TRIPS

    def travel(traveller: Traveller) -> None:
        for trip in range(TRIPS):
            due = began + pause * (trip + traveller.number / TRAVELLERS / 4)
            time.sleep(max(due - time.monotonic(), 0))
            told[traveller.come_back()] += 1

    threads = [threading.Thread(target=travel, args=(traveller,)) for traveller in travellers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(max(began + seconds - time.monotonic(), 0))
    return told


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

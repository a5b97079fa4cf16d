"""What stands at the addresses of a provider: takes requests, remembers them, and fails as it is told to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from examples.providers import pages
from examples.providers.faults import Faults
from examples.providers.seen import Seen, seen
from examples.providers.switches import Switch, Switches, Value
from examples.providers.web import Answer, Request, Site, as_json, as_page

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Endpoint:
    """What kind of request an address takes, by which methods, and who answers."""

    kind: str
    answer: Callable[[Request], Answer]
    methods: tuple[str, ...] = ("GET", "POST")


class StandIn:
    """Threads of its sites come in by :meth:`answer`, tests and the control page by everything else."""

    name: ClassVar[str]
    title: ClassVar[str]
    site_names: ClassVar[tuple[str, ...]] = ("",)
    more_switches: ClassVar[tuple[Switch, ...]] = ()

    def __init__(self) -> None:
        self.switches = Switches(*self.more_switches)
        self.faults = Faults(self.switches)
        self.sites = {name: Site(name, self.answer) for name in self.site_names}
        self.requests: list[Seen] = []
        self.lock = self.switches.changed
        """Held where what several threads change is changed; told whenever one may have waited for it."""

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """By site and path."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Its first address."""
        return next(iter(self.sites.values())).url

    def start(self) -> None:
        """Be reachable."""
        self.faults.begin()
        for site in self.sites.values():
            site.start()

    def stop(self) -> None:
        """Be down: connections are refused, until ``start``."""
        self.faults.end()
        for site in self.sites.values():
            site.stop()

    def switch(self, name: str, value: Value = True) -> None:
        """Make something go wrong, or right again with False. Who hangs is let go when ``hang`` is switched off."""
        self.switches.set(name, value)

    def reset(self) -> None:
        """All switches off, and nothing was asked."""
        self.switches.reset()
        with self.lock:
            self.requests.clear()

    def of_kind(self, kind: str) -> list[Seen]:
        """The requests of a kind (authorize, token, user, keys, discovery, revoke), oldest first."""
        return [each for each in list(self.requests) if each.kind == kind]

    def awaited(self, kind: str, count: int = 1, seconds: float = PATIENCE_SECONDS) -> Seen:
        """The newest request of a kind, as soon as there are so many."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.of_kind(kind)) >= count, seconds), f"no {kind} was asked for"
            return self.of_kind(kind)[-1]

    def await_hanging(self, count: int = 1, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until so many requests hang here."""
        with self.lock:
            assert self.lock.wait_for(lambda: self.faults.hanging >= count, seconds), f"{self.faults.hanging} hang"

    def kind_of(self, request: Request, endpoint: Endpoint) -> str:
        """What is asked for, where one address takes several kinds of requests."""
        return endpoint.kind

    def answer(self, request: Request) -> Answer:
        """Answer what arrived at a site."""
        endpoint = self.endpoints.get((request.site, request.path))
        kind = self.kind_of(request, endpoint) if endpoint else "unknown"
        with self.lock:
            self.requests.append(seen(kind, request))
            self.lock.notify_all()
        instead = self.faults.meet(kind)
        if instead is not None:
            return instead
        if endpoint is None:
            return as_page(pages.problem(self.title, "404 Not Found", request.path), 404)
        if request.method not in endpoint.methods:
            return as_json({"error": "method_not_allowed"}, 405, Allow=", ".join(endpoint.methods))
        return endpoint.answer(request)

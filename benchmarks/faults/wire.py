"""Requests to the portal over a kept connection, each with its time and outcome on tape."""

import http.client
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

# On a busy machine many people who register at once wait for each other longer than a person would.
PATIENCE_SECONDS = 60.0
FORM = "application/x-www-form-urlencoded"
HASHING = frozenset({"login", "register"})
"""Kinds of requests that hash a password, which take long by intention and very long on a busy machine."""
LOST = 0
"""The status of a request that got no answer."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; times are of the monotonic clock, in seconds."""

    kind: str
    began: float
    ended: float
    status: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    @property
    def has_failed(self) -> bool:
        """Whether there was no answer, or one that the portal is to blame for."""
        return self.status == LOST or self.status >= 500


class Tape:
    """Every request of a run."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self.samples = list(samples)

    def between(self, begin: float, end: float) -> list[Sample]:
        """The requests that were under way at some moment of that time."""
        return [sample for sample in self.samples if sample.ended >= begin and sample.began < end]


def percentile(samples: Iterable[Sample], share: float) -> float:
    """The seconds within which that share of the requests was answered."""
    ordered = sorted(sample.seconds for sample in samples) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Answer:
    """An answer, or its absence (status :data:`LOST`)."""

    status: int
    body: bytes = b""
    location: str = ""
    retry_after: str = ""
    cookies: tuple[tuple[str, str], ...] = ()
    was_refused: bool = False
    """Nobody listened, so nothing was carried out."""

    def json(self) -> dict[str, Any]:
        """The members of a JSON object; empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def parameters(self) -> dict[str, str]:
        """The query of the address it leads to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


class Line:
    """One kept-alive connection; opened anew after it broke."""

    def __init__(self, port: int, tape: Tape) -> None:
        self._port = port
        self._tape = tape
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self,
        kind: str,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, once. A failed connection is an answer with status :data:`LOST`."""
        sent = {"Host": f"localhost:{self._port}", **(headers or {})}
        body = None
        if form is not None:
            body, sent["Content-Type"] = urlencode(form).encode(), FORM
        began = time.monotonic()
        answer = self._send(method, path, body, sent)
        self._tape.samples.append(Sample(kind, began, time.monotonic(), answer.status))
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
            content = response.read()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            return Answer(LOST, was_refused=isinstance(error, ConnectionRefusedError))
        cookies = [each.partition(";")[0].partition("=") for each in response.headers.get_all("Set-Cookie") or []]
        return Answer(
            response.status,
            content,
            response.headers.get("Location", ""),
            response.headers.get("Retry-After", ""),
            tuple((name, value) for name, _, value in cookies),
        )

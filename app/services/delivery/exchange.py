"""One exchange with a server outside, within one deadline for everything: name, connection, TLS, sending, the answer.

The time-outs of HTTP libraries hold for each step, so that who sends a byte now and then is waited for without end.
Nobody is followed to another address, and no proxy is asked: neither is meant for those we talk to.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import requests

from app.services.delivery.lookup import addresses

MayReach = Callable[[str], bool]
MOST_HEAD = 65536
"""Bytes of an answer that are not its body."""


class NoAnswer(Exception):
    """There was no whole answer in time; ``reason`` is a constant, made of the ``kind``.

    Kinds are ``Timeout``, ``ConnectionError``, ``SSLError``, ``BadAnswer`` and, where a body is read, ``TooLarge``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.reason = f"no_answer:{kind}"
        super().__init__(self.reason)


class Deadline:
    """A moment so many seconds from now, which several exchanges may share."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds until then; raises ``TimeoutError`` when there are none."""
        if (left := self._at - time.monotonic()) <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and after how many seconds the application wants to be asked again, if it says so."""

    status: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer with its body, as both were sent."""

    status: int
    phrase: str
    headers: list[tuple[str, str]]
    body: bytes


def post_form(uri: str, form: dict[str, str], *, seconds: float) -> Answer:
    """Post a form; raises :class:`NoAnswer` when the answer's head is not there ``seconds`` from now."""
    with _in_few_words():
        request = requests.Request("POST", uri, data=form).prepare()
        with _answer_to(request, Deadline(seconds), MOST_HEAD) as answer:
            return Answer(answer.status, _seconds(answer.headers.get("Retry-After")))


def fetch(
    request: requests.PreparedRequest, *, deadline: Deadline, most_bytes: int, may_reach: MayReach = lambda _: True
) -> WholeAnswer:
    """Send a request and read all of its answer; raises :class:`NoAnswer`, for a body with more bytes than that too.

    ``may_reach`` is asked of each address that is to be connected to, for what a name leads to may change any moment.
    """
    with _in_few_words(), _answer_to(request, deadline, MOST_HEAD + most_bytes, may_reach) as answer:
        body = b"" if (answer.length or 0) > most_bytes else answer.read(most_bytes + 1)
        if len(body) + (answer.length or 0) > most_bytes:
            raise NoAnswer("TooLarge")
        if answer.length:
            raise http.client.IncompleteRead(body, answer.length)
        return WholeAnswer(answer.status, answer.reason, answer.getheaders(), body)


@contextmanager
def _in_few_words() -> Iterator[None]:
    """Raise :class:`NoAnswer` for whatever may go wrong with somebody outside."""
    try:
        yield
    except TimeoutError:
        raise NoAnswer("Timeout") from None
    except ssl.SSLError:
        raise NoAnswer("SSLError") from None
    except _TooLarge:
        raise NoAnswer("TooLarge") from None
    except http.client.HTTPException:
        raise NoAnswer("BadAnswer") from None
    except (OSError, ValueError):
        raise NoAnswer("ConnectionError") from None


@contextmanager
def _answer_to(
    request: requests.PreparedRequest,
    deadline: Deadline,
    most_bytes: int,
    may_reach: MayReach = lambda _: True,
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, of which the head is there; it may have so many bytes."""
    parts = urlsplit(str(request.url))
    host = parts.hostname or ""
    with _Line(
        _connected(host, parts.port, parts.scheme == "https", deadline, may_reach), deadline, most_bytes
    ) as line:
        connection = http.client.HTTPConnection(host, parts.port)
        connection.sock = cast(Any, line)
        headers = {**dict(request.headers), "Host": parts.netloc.rpartition("@")[2], "Connection": "close"}
        connection.request(str(request.method), request.path_url, cast(Any, request.body), headers)
        answer = _FinalAnswer(cast(Any, line), method=request.method)
        answer.begin()
        yield answer


class _TooLarge(http.client.HTTPException):
    """More came than anybody wants."""


class _FinalAnswer(http.client.HTTPResponse):
    """The one that counts: what comes before it (:rfc:`9110#section-15.2`) is passed over as 100 is."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = cast(Any, super())._read_status()
        return version, http.client.CONTINUE if 100 <= status < 200 else status, reason


class _Line(io.RawIOBase):
    """A connection as ``http.client`` uses one, each of whose steps has what is left of the time."""

    def __init__(self, sock: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._left = most_bytes

    def sendall(self, data: bytes) -> None:
        """Send all of it in time."""
        unsent = memoryview(data)
        while unsent:
            self._sock.settimeout(self._deadline.left())
            unsent = unsent[self._sock.send(unsent) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """What the answer is read from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What has come; raises ``HTTPException`` when that is too much."""
        self._sock.settimeout(self._deadline.left())
        if not self._left:
            raise _TooLarge
        count = self._sock.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count

    def close(self) -> None:
        """Hang up."""
        self._sock.close()
        super().close()


def _connected(host: str, port: int | None, is_tls: bool, deadline: Deadline, may_reach: MayReach) -> socket.socket:
    """A connection to the first address that answers; each has its share of the time, the last one all that is left."""
    failure: OSError = OSError("no address")
    every = addresses(host, port or (443 if is_tls else 80), deadline.left())
    found = [each for each in every if may_reach(str(each[4][0]))]
    for shares, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left() / shares)
            sock.connect(address)
            return _encrypted(sock, host, deadline) if is_tls else sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _encrypted(sock: socket.socket, host: str, deadline: Deadline) -> socket.socket:
    wrapped = _context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        wrapped.settimeout(deadline.left())
        wrapped.do_handshake()
    except OSError:
        wrapped.close()
        raise
    return wrapped


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """Believes the authorities that come with ``requests``, the system's, and what ``SSL_CERT_FILE`` adds."""
    context = ssl.create_default_context()
    context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    return context


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` in either of its forms (:rfc:`9110#section-10.2.3`); None for anything else."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None

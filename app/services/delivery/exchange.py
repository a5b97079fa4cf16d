"""One form posted to an application, within one deadline for everything: connecting, TLS, sending, and its answer.

The time-outs of HTTP libraries hold for each step, so that who sends a byte now and then is waited for without end.
"""

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import requests

MOST_BYTES = 65536
"""Of an answer of which only the head is read."""


class NoAnswer(Exception):
    """There was no whole answer in time; ``reason`` is a constant."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and after how many seconds the application wants to be asked again, if it says so."""

    status: int
    retry_after: float | None = None


def post_form(uri: str, form: dict[str, str], *, seconds: float) -> Answer:
    """Post a form; raises :class:`NoAnswer` when the answer's head is not there ``seconds`` from now.

    Follows no redirect and asks no proxy: neither is meant for an application.
    """
    deadline = time.monotonic() + seconds
    line: _Line | None = None
    try:
        prepared = requests.Request("POST", uri, data=form).prepare()
        parts = urlsplit(str(prepared.url))
        line = _Line(_connected(parts.hostname or "", parts.port, parts.scheme == "https", deadline), deadline)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.sock = cast(Any, line)
        body, headers = str(prepared.body), {"Host": parts.netloc.rpartition("@")[2], "Connection": "close"}
        connection.request("POST", prepared.path_url, body, {**dict(prepared.headers), **headers})
        answer = connection.getresponse()
        return Answer(answer.status, _seconds(answer.headers.get("Retry-After")))
    except TimeoutError:
        raise NoAnswer("no_answer:Timeout") from None
    except ssl.SSLError:
        raise NoAnswer("no_answer:SSLError") from None
    except http.client.HTTPException:
        raise NoAnswer("no_answer:BadAnswer") from None
    except (OSError, ValueError):
        raise NoAnswer("no_answer:ConnectionError") from None
    finally:
        if line:
            line.close()


class _Line(io.RawIOBase):
    """A connection as ``http.client`` uses one, each of whose steps has what is left of the time."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._left = MOST_BYTES

    def sendall(self, data: bytes) -> None:
        """Send all of it in time."""
        self._sock.settimeout(_left_until(self._deadline))
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What the answer is read from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What has come; raises ``HTTPException`` after so many bytes."""
        self._sock.settimeout(_left_until(self._deadline))
        if not self._left:
            raise http.client.LineTooLong("answer")
        count = self._sock.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count

    def close(self) -> None:
        """Hang up."""
        self._sock.close()
        super().close()


def _connected(host: str, port: int | None, is_tls: bool, deadline: float) -> socket.socket:
    """A connection to the first address that answers; a host's other ones share its time."""
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port or (443 if is_tls else 80), type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left_until(deadline))
            sock.connect(address)
            return _encrypted(sock, host, deadline) if is_tls else sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _encrypted(sock: socket.socket, host: str, deadline: float) -> socket.socket:
    wrapped = _context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        wrapped.settimeout(_left_until(deadline))
        wrapped.do_handshake()
    except OSError:
        wrapped.close()
        raise
    return wrapped


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH)


def _left_until(deadline: float) -> float:
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` in either of its forms (:rfc:`9110#section-10.2.3`); None for anything else."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None

"""A load generator of plain sockets: so many connections, each asking as soon as it was answered."""

import multiprocessing
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PROCESSES = 2


class Connection:
    """One kept-alive HTTP/1.1 connection to loopback."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of the answer."""
        self._socket.sendall(request)
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, length, body = int(first.split()[1]), int(headers.get("content-length", 0)), data[end + 4 :]
        while len(body) < length:
            body += self._more()
        self._rest = body[length:]
        return status, headers, body[:length]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> bytes:
        if not (data := self._socket.recv(65536)):
            raise ConnectionError("the server hung up")
        return data


Operation = Callable[[], bool]
Make = Callable[[int, int], Operation]
"""Makes the operation of one connection from the port and the connection's number; it answers whether it went well."""


@dataclass
class Load:
    """What was measured: operations a second, and their times in milliseconds."""

    seconds: float
    milliseconds: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        """Good operations a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """The time within which that share of the operations was answered."""
        ordered = sorted(self.milliseconds) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def put(make: Make, port: int, connections: int, seconds: float) -> Load:
    """Load ``port`` for so long and report; ``make`` must be picklable."""
    context = multiprocessing.get_context("fork")
    queue: Any = context.Queue()
    share = max(1, connections // PROCESSES)
    processes = [
        context.Process(target=_process, args=(make, port, range(index * share, (index + 1) * share), seconds, queue))
        for index in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    total = Load(seconds)
    for _ in processes:
        times, failures = queue.get()
        total.milliseconds += times
        total.failures += failures
    for process in processes:
        process.join()
    return total


def _process(make: Make, port: int, numbers: range, seconds: float, queue: Any) -> None:
    operations = [make(port, number) for number in numbers]
    results: list[tuple[list[float], int]] = []
    end = time.monotonic() + seconds

    def work(operation: Operation) -> None:
        times, failures = [], 0
        while (began := time.monotonic()) < end:
            if operation():
                times.append((time.monotonic() - began) * 1000)
            else:
                failures += 1
        results.append((times, failures))

    threads = [threading.Thread(target=work, args=(operation,)) for operation in operations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(([each for times, _ in results for each in times], sum(failures for _, failures in results)))

"""A balancer as stands before several nodes: asks each whether it is ready, and sends nobody to one that is not."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import requests

ASK_SECONDS = 0.5
CHUNK = 1 << 16


class Balancer:
    """Passes connections on to nodes on these ports, in turns, as long as they are ready; else it hangs up."""

    def __init__(self, door: int, nodes: Sequence[int]) -> None:
        self._nodes = list(nodes)
        self._ready = list(nodes)
        self._turn = 0
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", door), backlog=128)
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._ask, self._accept)]

    def start(self) -> None:
        """Begin to ask and to pass on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let nobody in any more."""
        self._is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _ask(self) -> None:
        while not self._is_over.wait(ASK_SECONDS):
            self._ready = [node for node in self._nodes if is_ready(node)]

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        ready, self._turn = self._ready, self._turn + 1
        with client:
            if not ready:
                return
            try:
                node = socket.create_connection(("127.0.0.1", ready[self._turn % len(ready)]))
            except OSError:
                return
            with node:
                back = threading.Thread(target=pump, args=(node, client), daemon=True)
                back.start()
                pump(client, node)
                back.join()


def is_ready(port: int) -> bool:
    """Whether a node wants to be sent people."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on until one side hangs up, and then hang up on both."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def balanced(door: int, nodes: Sequence[int]) -> Iterator[None]:
    """Have a balancer at ``door`` for the block, after all nodes were ready once."""
    balancer = Balancer(door, nodes)
    end = time.monotonic() + 30
    while not all(is_ready(node) for node in nodes) and time.monotonic() < end:
        time.sleep(0.1)
    balancer.start()
    try:
        yield
    finally:
        balancer.stop()

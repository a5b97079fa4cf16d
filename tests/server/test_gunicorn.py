"""What the portal uses of gunicorn beyond its documented settings and hooks: all of it, and that it is still there.

A gunicorn that changes one of these fails here, by the name of what it changed. ``make gunicorn RELEASE=28.0.0`` runs
the tests of the server under another release, without ``RELEASE`` under the newest.
"""

import inspect
import io
from collections.abc import Callable
from typing import Any

import gunicorn
import pytest
from gunicorn import arbiter, glogging, util
from gunicorn.config import Config
from gunicorn.http import errors, wsgi
from gunicorn.http.body import Body
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers import base, workertmp

from app.server.answering import Answering, Outlet
from app.server.connections.arrival import Arrival
from app.server.connections.rooms import Connection
from app.server.refusals import Refusals
from app.server.terms import Terms

CLIENT = ("127.0.0.1", 40000)

# What is called, with the parameters it is called with; more that have defaults are no change.
CALLED: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "base.Worker.__init__": (base.Worker.__init__, ["self", "age", "ppid", "sockets", "app", "timeout", "cfg", "log"]),
    "base.Worker.run": (base.Worker.run, ["self"]),
    "base.Worker.notify": (base.Worker.notify, ["self"]),
    "base.Worker.handle_exit": (base.Worker.handle_exit, ["self", "sig", "frame"]),
    "RequestParser": (RequestParser.__init__, ["self", "cfg", "source", "source_addr"]),
    "RequestParser.__next__": (RequestParser.__next__, ["self"]),
    "Body.read": (Body.read, ["self", "size"]),
    "wsgi.create": (wsgi.create, ["req", "sock", "client", "server", "cfg"]),
    "Response.start_response": (wsgi.Response.start_response, ["self", "status", "headers", "exc_info"]),
    "Response.write": (wsgi.Response.write, ["self", "arg"]),
    "Response.write_file": (wsgi.Response.write_file, ["self", "respiter"]),
    "Response.close": (wsgi.Response.close, ["self"]),
    "Response.force_close": (wsgi.Response.force_close, ["self"]),
    "Response.should_close": (wsgi.Response.should_close, ["self"]),
    "util.http_date": (util.http_date, []),
    "glogging.Logger.setup": (glogging.Logger.setup, ["self", "cfg"]),
    "glogging.Logger.access": (glogging.Logger.access, ["self", "resp", "req", "environ", "request_time"]),
}
# What the parser raises and is answered with a status of its own; whatever else it raises is a 400.
RAISED = [
    "LimitRequestLine",
    "LimitRequestHeaders",
    "ExpectationFailed",
    "UnsupportedTransferCoding",
    "NoMoreData",
    "ParseException",
]


def of(thing: object) -> str:
    return f"gunicorn {gunicorn.__version__} changed {thing}"


@pytest.mark.parametrize("name", CALLED)
def test_what_is_called_is_called_as_before(name: str) -> None:
    function, used = CALLED[name]
    parameters = inspect.signature(function).parameters
    needed = [each for each, parameter in parameters.items() if parameter.default is parameter.empty]
    assert list(parameters)[: len(used)] == used, of(name)
    assert set(needed) <= set(used), of(name)


@pytest.mark.parametrize("name", RAISED)
def test_what_is_wrong_with_a_request_is_called_as_before(name: str) -> None:
    assert issubclass(getattr(errors, name, type(None)), Exception), of(f"errors.{name}")


def test_a_worker_has_what_ours_reads() -> None:
    worker = base.Worker(1, 2, [], None, 15, Config(), None)
    for name in ("age", "ppid", "sockets", "app", "cfg", "log", "alive", "nr", "max_requests", "tmp"):
        assert hasattr(worker, name), of(f"base.Worker.{name}")
    assert isinstance(worker.tmp, workertmp.WorkerTmp)
    worker.tmp.close()
    worker.handle_exit(15, None)
    assert worker.alive is False, of("base.Worker.handle_exit")


def test_a_signal_wakes_whoever_reads_from_the_pipe_of_a_worker() -> None:
    begins = inspect.getsource(base.Worker.init_process)
    assert "self.PIPE = os.pipe()" in begins, of("base.Worker.PIPE")
    assert "self.load_wsgi()" in begins, of("base.Worker.wsgi")
    assert "set_wakeup_fd(self.PIPE[1])" in inspect.getsource(base.Worker.init_signals), of("base.Worker.init_signals")


def test_the_master_asks_what_ours_answers() -> None:
    source = inspect.getsource(arbiter.Arbiter)
    assert "self.worker_class.check_config(self.cfg, self.log)" in source, of("Arbiter and check_config")


def test_a_master_has_what_the_configuration_reads() -> None:
    source = inspect.getsource(arbiter.Arbiter)
    for name in ("reexec_pid", "master_pid", "LISTENERS", "cfg"):
        assert f"self.{name} = " in source, of(f"Arbiter.{name}")
    begins = inspect.getsource(arbiter.Arbiter.start)
    # Signals have their handlers when the configuration is told that all is ready.
    assert begins.index("self.init_signals()") < begins.index("self.cfg.when_ready(self)"), of("Arbiter.start")
    assert "signal.signal(s, self.signal)" in inspect.getsource(arbiter.Arbiter.init_signals), of("Arbiter.signal")
    assert "environ['GUNICORN_PID']" in inspect.getsource(arbiter.Arbiter.reexec), of("Arbiter.reexec")


def served(raw: bytes, application: Any) -> tuple[bytes, bool, bytes]:
    """What is sent for the first request in these bytes, whether the connection ends, and what is left."""
    answering = Answering(Config(), glogging.Logger(Config()), application, Refusals(Terms((), 1000, frozenset())))
    conn = Connection(NoSocket(), CLIENT, CLIENT, Arrival(1000, raw), {})  # type: ignore[arg-type]
    conn.arrival.stage()
    answer = answering.answer(conn, ends=False)
    return answer.data, answer.ends, answer.rest


class NoSocket:
    """Whoever would read from it or write to it fails."""

    def fileno(self) -> int:
        return -1


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body) + 6)), ("X-Said", environ.get("HTTP_X_SAID", ""))])
    return [b"hello ", body]


def test_a_request_is_parsed_and_answered_without_a_socket() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nX-Said: x\r\nExpect: 100-continue\r\n"
    data, ends, rest = served(head + b"Content-Length: 5\r\n\r\nworldGET / HTTP/1.1\r\n", hello)
    assert data.startswith(b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: ")
    assert b"\r\nConnection: keep-alive\r\n" in data
    assert data.endswith(b"\r\nX-Said: x\r\n\r\nhello world")
    assert (ends, rest) == (False, b"GET / HTTP/1.1\r\n")


def test_chunks_are_parsed_and_made() -> None:
    def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(), b"", b"!"]

    raw = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nGET"
    data, ends, rest = served(raw, echo)
    assert data.endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\n!\r\n0\r\n\r\n")
    assert (ends, rest) == (False, b"GET")


def test_a_body_nobody_read_is_passed_over() -> None:
    def silent(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    body = b"x" * 900
    data, ends, rest = served(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + body + b"GET", silent)
    assert data.startswith(b"HTTP/1.1 204 ")
    assert (ends, rest) == (False, b"GET")


def test_a_file_is_sent_like_any_other_answer() -> None:
    def file(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "20000")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"f" * 20000))

    data, ends, _ = served(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", file)
    assert data.endswith(b"\r\n\r\n" + b"f" * 20000)
    assert not ends


@pytest.mark.parametrize(
    ("raw", "is_last"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_whether_a_connection_ends_is_said_and_done(raw: bytes, is_last: bool) -> None:
    data, ends, _ = served(raw, hello)
    assert ends is is_last
    assert (b"\r\nConnection: close\r\n" in data) is is_last


def test_an_application_that_breaks_has_said_nothing() -> None:
    def broken(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"half of "
        raise ArithmeticError

    data, ends, _ = served(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", broken)
    assert data.startswith(b"HTTP/1.1 500 ")
    assert b"half" not in data
    assert ends


def test_the_outlet_is_all_of_a_socket_that_a_response_uses() -> None:
    outlet = Outlet()
    pieces = iter([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
    response = wsgi.Response(
        Request(Config(), RequestParser(Config(), pieces, CLIENT).unreader, CLIENT), outlet, Config()
    )
    response.start_response("200 OK", [("Content-Length", "2")])
    response.write(b"ok")
    response.close()
    assert b"".join(outlet.parts).endswith(b"\r\n\r\nok"), of("how a response writes to its socket")

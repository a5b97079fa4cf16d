"""How gunicorn serves the portal: ``gunicorn -c gunicorn.conf.py wsgi:app``.

Everything that differs between installations comes from the portal's own settings (``flask config check`` lists them).
"""

import ctypes
import gc
import os
import re
import signal
import sys
from datetime import timedelta
from typing import Any

from gunicorn import glogging

from app.server import balance, descriptors, leaving, listening, logs
from app.server.metrics import meters
from app.server.tracing import switch
from app.settings import ConfigurationError, of_this_process

M_ARENA_MAX = -8
"""Of glibc's ``malloc.h``."""

try:
    settings = of_this_process()
except ConfigurationError as error:
    sys.exit("\n".join(error.problems))

_host = settings.server.host
_port = settings.server.port
bind = [_host if _host.startswith("unix:") else f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"]
if settings.observation.metrics_bind:
    bind.append(settings.observation.metrics_bind)

# Threads keep slow databases from stopping a worker; processes use the cores.
worker_class = "app.server.worker.PatientWorker"
# A whole answer goes to the client at once; a file sent past that would need a thread of its own to wait in.
sendfile = False
workers = settings.server.workers
threads = settings.server.threads
# Loaded once, then forked: the second worker costs neither start-up time nor the memory of the code, and a worker
# that died is back at once. Nothing opened before the fork may be used after it: see post_fork.
preload_app = True
# One socket for all workers: with one each, the kernel resets what waits at that of a worker that ends, and another
# program can listen on the same port unnoticed. Workers see to it themselves that connections spread.
reuse_port = False
# A worker without descriptors could neither accept nor open its database.
_descriptors = descriptors.raise_limit()
worker_connections = min(settings.server.connections, descriptors.room(_descriptors, threads))

# Longer than the 60 s after which common proxies give up an idle connection: a request would meet a closing one.
keepalive = 75
# A worker whose main loop stands still this long is replaced; what a request takes to arrive is limited by the worker.
timeout = 30
# With what readiness is given to say so (DRAIN_SECONDS) less than the 30 s an orchestrator usually grants.
graceful_timeout = 20

# An authorization request carries its whole state in the query; the most gunicorn can allow.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# The portal reads proxy headers itself (TRUSTED_PROXIES); two readers with two rules would be a hole.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}

# Workers report their life by touching a file, which must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# Workers are managed by signals and by whatever runs this process; one socket less to guard.
control_socket_disable = True

accesslog = "-"
loglevel = "info" if settings.is_production else "warning"


# Probes come every few seconds; beside a developer's pages, their style sheets only fill the screen.
PROBES = r"/(health|ready|metrics)\Z"
UNREMARKABLE = re.compile(PROBES if settings.is_production else rf"{PROBES}|/static/|/bootstrap/")


class Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's own lines in the format and to the stream of all the others."""

    def setup(self, cfg: Any) -> None:
        """Replace the handlers that gunicorn has just made."""
        super().setup(cfg)
        handler = logs.StandardError()
        handler.setFormatter(logs.formatter(settings))
        self.error_log.handlers[:] = [handler]
        self.lines = logs.AccessLines(is_json=settings.is_production)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """One line per answer, with the path but without the query, which carries codes and states."""
        status = getattr(resp, "status_code", None) or 500  # none was given when the application broke
        if UNREMARKABLE.match(environ["PATH_INFO"]) and status < 400:
            return
        self.lines.add(environ, status, resp.headers, resp.sent, request_time.total_seconds() * 1000)

    def flush(self) -> None:
        """Write the lines of the answers that have gone out; the worker asks for it when a thread has nothing to do."""
        self.lines.flush()


logger_class = Logger


def nworkers_changed(server: Any, new: int, old: int | None) -> None:
    """Say at once where nobody can listen: gunicorn calls this before all else, and would try five times itself."""
    # On an upgrade (SIGUSR2) the portal itself listens there, under systemd's sockets systemd does.
    if old is None and not {"GUNICORN_PID", "LISTEN_FDS"} & os.environ.keys():
        addresses = [address for address in server.cfg.address if not isinstance(address, int)]
        if problems := [problem for address in addresses if (problem := listening.problem(address))]:
            sys.exit("\n".join(problems))


def on_starting(server: Any) -> None:
    """Let no worker miss its end, and say if there is less room than was wished for."""
    if worker_connections < settings.server.connections:
        server.log.warning(
            "WEB_CONNECTIONS is %d, but the limit of %d descriptors (ulimit -n) leaves room for %d in each worker.",
            *(settings.server.connections, _descriptors, worker_connections),
        )
    # A new worker has its parent's handlers at first: told to end just then, it would go on until it is killed. So the
    # signal waits until the worker has its own.
    term = {signal.SIGTERM}
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, term),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, term),
    )


def when_ready(server: Any) -> None:
    """Say where the portal is, and take what was loaded before the fork out of the garbage collector's sight."""
    # It lives as long as the process: looking through it again and again takes a tenth of the time of a request, and
    # writes to memory that the workers share.
    gc.collect()
    gc.freeze()
    balance.prepare()
    leaving.announce(
        settings.server.drain_seconds,
        has_heir=lambda: bool(server.reexec_pid or server.master_pid),
        listeners=lambda: server.LISTENERS,
    )
    if not settings.is_production:
        print(f"MAX Platform is at {settings.issuer}  (Ctrl+C ends it)", flush=True)


def pre_exec(server: Any) -> None:
    """Let the new master of an upgrade (SIGUSR2) hear that it should end: what is blocked stays so across ``exec``."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker a page for its numbers that no other living one has."""
    taken = {sibling.metrics_page for sibling in server.WORKERS.values()}
    worker.metrics_page = meters.of(server.app.wsgi()).free_page(taken)


def child_exit(server: Any, worker: Any) -> None:
    """What a worker counted stays, however it ended; what it was doing is over."""
    meters.of(server.app.wsgi()).leave(worker.metrics_page)


def _share_heaps() -> None:
    """Have threads share one heap: one for each thread, as glibc has it, keeps megabytes of nothing.

    Python's own objects are in none of them, and of its threads one runs at a time: a worker with four threads spares
    six megabytes of 143, and a page takes as much of the processor as before.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_ARENA_MAX, 1)


def post_fork(server: Any, worker: Any) -> None:
    """Forget database connections the parent may have opened: two processes on one connection mix up their answers."""
    _share_heaps()
    signal.signal(signal.SIGTERM, worker.handle_exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    app = worker.app.wsgi()
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose(close=False)
    meters.of(app).take(worker.metrics_page)
    app.extensions["background"].start()


def worker_exit(server: Any, worker: Any) -> None:
    """Let what is on its way outside arrive."""
    app = worker.app.wsgi()
    app.extensions["background"].stop()
    switch.stop(app)

"""Portals and their commands in a fraction of the time: forked from a process that has loaded the portal's code once.

What runs is what ``gunicorn -c gunicorn.conf.py wsgi:app`` or ``flask --app wsgi …`` runs, with the same arguments,
variables and working directory; only Python, the libraries and the modules of ``app`` are loaded already, and hashes
of passwords are quick ones, for they protect nobody. Tests about that use the programs themselves.
"""

import ctypes
import gc
import importlib
import multiprocessing
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

import flask.cli
import gunicorn.app.wsgiapp

import app
from app.services.people import passwords

PR_SET_PDEATHSIG = 1
PROGRAMS: dict[str, Callable[[], object]] = {"gunicorn": gunicorn.app.wsgiapp.run, "flask": flask.cli.main}


def context() -> ForkServerContext:
    """What starts processes that have the portal's code, and nothing else of this process."""
    made = multiprocessing.get_context("forkserver")
    # Only what is loaded when the first one starts is loaded once.
    made.set_forkserver_preload([__name__])
    return made


class Forked:
    """One process, with those methods of :class:`subprocess.Popen` that servers are handled by.

    What it prints is added to the file ``log``, its errors to the file ``errors`` if another is named.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        directory: Path,
        errors: Path | None = None,
    ) -> None:
        self._command = list(command)
        arguments = (self._command, str(log), str(errors or log), dict(environment), str(directory))
        self._process: BaseProcess = context().Process(target=_become, args=arguments)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it exited, or ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As :attr:`returncode`."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; answers how it exited."""
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise TimeoutExpired(self._command, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):  # it has ended, which nobody has been told yet
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


class Command:
    """One run of a command, whose output is kept apart from its errors."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
        self._files = TemporaryDirectory(prefix="portal-tests-")
        self._output, self._errors = (Path(self._files.name) / name for name in ("output", "errors"))
        self._command = list(command)
        self._process = Forked(command, self._output, environment, directory, self._errors)

    def completed(self, timeout: float = 60) -> "CompletedProcess[str]":
        """Wait for its end. Raises ``TimeoutExpired`` after so many seconds, and ends it."""
        try:
            code = self._process.wait(timeout)
        except TimeoutExpired:
            self._process.kill()
            raise
        with self._files:
            said = [path.read_text() if path.exists() else "" for path in (self._output, self._errors)]
        return CompletedProcess(self._command, code, *said)


def _become(command: list[str], log: str, errors: str, environment: dict[str, str], directory: str) -> None:
    """In the forked process: be the program of the command, and end with the tests."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    for stream, name in ((1, log), (2, errors)):
        output = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(output, stream)
        os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(directory)
    sys.argv = command
    PROGRAMS[Path(command[0]).name]()


passwords.RECOMMENDED = passwords.QUICK
for _module in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(_module.name)
# Whoever is forked need not look through it, which would copy it too.
gc.collect()
gc.freeze()

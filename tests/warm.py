"""Portals that start in a fraction of the time: forked from a process that has loaded the portal's code once.

What runs is what the command ``gunicorn -c gunicorn.conf.py wsgi:app`` runs, with the same arguments, variables and
working directory; only Python, the libraries and the modules of ``app`` are loaded already. Tests about starting use
the command itself.
"""

import ctypes
import importlib
import multiprocessing
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import TimeoutExpired

import gunicorn.app.wsgiapp

import app

PR_SET_PDEATHSIG = 1


class Forked:
    """One portal, with those methods of :class:`subprocess.Popen` that servers are handled by."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str], directory: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        # Only what is loaded when the first one starts is loaded once.
        context.set_forkserver_preload([__name__])
        self._command = list(command)
        arguments = (self._command, str(log), dict(environment), str(directory))
        self._process: BaseProcess = context.Process(target=_become, args=arguments)
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
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def _become(command: list[str], log: str, environment: dict[str, str], directory: str) -> None:
    """In the forked process: be the program of the command, and end with the tests."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(directory)
    sys.argv = command
    gunicorn.app.wsgiapp.run()


for _module in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(_module.name)

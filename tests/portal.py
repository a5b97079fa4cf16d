"""The portal as it is really run: under gunicorn, as a process of its own."""

import os
import sys
from pathlib import Path

import requests
from flask import Flask

from app import create_app
from app.settings import Settings
from tests.servers import Process, Server, free_port, owner_of
from tests.warm import Forked


class Portal(Server):
    """The portal as it is really run: gunicorn, several workers, an instance directory of its own.

    ``url`` is its origin and issuer, ``instance`` its directory, ``environment`` the variables it was started with. It
    listens at a free port unless ``PORT`` is among the changes.
    """

    def __init__(
        self, instance: Path, database_url: str = "", *, configuration: str = "gunicorn.conf.py", **changes: str
    ) -> None:
        self.port = int(changes.get("PORT", 0)) or free_port()
        self.url = f"http://localhost:{self.port}"
        self.instance = instance
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "PYTHONPATH") if name in os.environ},
            "APP_ENV": "development",
            "PORT": str(self.port),
            "INSTANCE_PATH": str(instance),
            "DATABASE_URL": database_url,
            "DATABASE_OWNER_URL": owner_of(database_url),
            "WEB_CONCURRENCY": "2",
            "RATE_LIMIT_ENABLED": "false",
            "DRAIN_SECONDS": "0",
            **changes,
        }
        command = [str(Path(sys.executable).with_name("gunicorn")), "-c", configuration, "wsgi:app"]
        super().__init__(command, instance / "gunicorn.log", self._answers, environment=self.environment)

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def flask(self, *arguments: str) -> str:
        """What ``flask --app wsgi <arguments>`` prints for this portal; run in this process, which is much quicker."""
        app = create_app(Settings.from_environment(self.environment))
        try:
            result = app.test_cli_runner().invoke(args=arguments)
        finally:
            close(app)
        assert result.exit_code == 0, f"flask {arguments}:\n{result.output}\n{result.exception!r}"
        return result.stdout

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


class WarmPortal(Portal):
    """The same portal, forked from a process that has its code loaded already."""

    def _launch(self) -> Process:
        return Forked(self._command[-4:], self.log, self.environment, self.directory)


def close(app: Flask) -> None:
    """Give back what an application in this process holds open."""
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose()
    app.extensions["services"].store.close()

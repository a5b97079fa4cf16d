"""Databases of the tests' own, each a fresh copy of one that was migrated (and seeded) once per engine."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import flask_migrate

from app import create_app
from app.database import ADMINISTRATION, enter
from app.settings import Settings
from tests.portal import Portal, WarmPortal, close
from tests.servers import PostgresCluster, owner_of

KEYS = ("secret_key", "encryption_key")


@dataclass(frozen=True)
class Seeded:
    """What seeding made: the administrator's password and the service client's secret."""

    admin_email: str
    admin_password: str
    service_secret: str


class SqliteDatabases:
    """Copies of a file."""

    def __init__(self, directory: Path) -> None:
        self._template = directory
        empty, seeded = directory / "empty.db", directory / "seeded.db"
        _migrate(directory, f"sqlite:///{empty}")
        shutil.copy(empty, seeded)
        self.seeded = _seed(directory, f"sqlite:///{seeded}")

    @contextmanager
    def fresh(self, instance: Path, kind: str) -> Iterator[str]:
        """The URL of a database kept with its keys in ``instance``.

        ``"bare"``: without a table, ``"empty"``: migrated only, or ``"seeded"``.
        """
        _copy_keys(self._template, instance)
        if kind != "bare":
            shutil.copy(self._template / f"{kind}.db", instance / "portal.db")
        yield f"sqlite:///{instance}/portal.db"


class PostgresDatabases:
    """Copies of a database on a cluster of the tests' own."""

    def __init__(self, directory: Path, cluster: PostgresCluster) -> None:
        self._template = directory
        self._cluster = cluster
        cluster.create("empty")
        _migrate(directory, cluster.url("empty"))
        cluster.create("seeded", "empty")
        self.seeded = _seed(directory, cluster.url("seeded"))

    @contextmanager
    def fresh(self, instance: Path, kind: str) -> Iterator[str]:
        """As :meth:`SqliteDatabases.fresh`; the database is dropped after the block."""
        _copy_keys(self._template, instance)
        name = f"test_{uuid4().hex}"
        self._cluster.create(name, *([] if kind == "bare" else [kind]))
        yield self._cluster.url(name)
        self._cluster.drop(name)


@contextmanager
def running_portal(
    databases: SqliteDatabases | PostgresDatabases, redis_url: str = "", **changes: str
) -> Iterator[Portal]:
    """A seeded portal under gunicorn on a fresh database of its own, set up by the commands an operator would use."""
    with tempfile.TemporaryDirectory(prefix="portal-tests-") as directory, ExitStack() as stack:
        url = stack.enter_context(databases.fresh(Path(directory), "empty"))
        portal = WarmPortal(Path(directory), url, REDIS_URL=redis_url, **changes)
        portal.flask("seed")
        stack.callback(portal.stop)
        portal.start()
        yield portal


def _migrate(instance: Path, url: str) -> None:
    """Make the tables, with keys kept in ``instance``."""
    app = create_app(Settings.for_testing(instance, url, DATABASE_OWNER_URL=owner_of(url)))
    with app.app_context():
        flask_migrate.upgrade()
    close(app)


def _seed(instance: Path, url: str) -> Seeded:
    """Make what every portal begins with, and tell of it."""
    app = create_app(Settings.for_testing(instance, url))
    with app.app_context():
        enter(ADMINISTRATION)
        services = app.extensions["services"]
        made = services.seeding.run().made
        services.db.session.commit()
    close(app)
    (service_secret,) = [secret for kind, _, secret in made if kind == "client"]
    ((admin_email, admin_password),) = [(name, secret) for kind, name, secret in made if kind == "user"]
    return Seeded(admin_email, admin_password, service_secret)


def _copy_keys(template: Path, instance: Path) -> None:
    instance.mkdir(parents=True, exist_ok=True)
    for name in KEYS:
        shutil.copy(template / name, instance / name)

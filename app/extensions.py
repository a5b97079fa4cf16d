"""The extensions, unbound: created here, bound to an application by :func:`bind`, configured nowhere else."""

from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_mailman import Mail
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from app.database import PortalDatabase
from app.models import Base
from app.settings import PROJECT_ROOT, Settings

db = PortalDatabase(session_options={"expire_on_commit": False, "autoflush": True})
migrate = Migrate(directory=str(PROJECT_ROOT / "migrations"))
bootstrap = Bootstrap5()
csrf = CSRFProtect()
mail = Mail()


def bind(app: Flask, settings: Settings) -> None:
    """Bind every extension to ``app``."""
    app.config["SQLALCHEMY_ENGINES"] = {"default": engine_options(settings)}
    db.init_app(app)
    migrate.init_app(app, _Migrated(db))
    bootstrap.init_app(app)
    csrf.init_app(app)
    mail.init_app(app)


class _Migrated:
    """What Flask-Migrate wants of a database object."""

    metadata = Base.metadata

    def __init__(self, database: PortalDatabase) -> None:
        self.get_engine = lambda: database.engine


def engine_options(settings: Settings) -> dict[str, Any]:
    """Arguments of ``create_engine`` for the configured database."""
    url = sa.make_url(settings.storage.database_url)
    if url.get_backend_name() == "sqlite":
        return {
            "url": url,
            "hide_parameters": True,
            "pool_reset_on_return": None,
            "connect_args": {"timeout": 15},
            "pool_size": settings.server.threads,
            "max_overflow": 8,
        }
    arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "portal"}
    if settings.storage.schema:
        arguments["options"] = f"-csearch_path={settings.storage.schema}"
    return {
        "url": url,
        "connect_args": arguments,
        "pool_size": settings.storage.pool_size,
        "max_overflow": 4,
        "pool_timeout": 5,
        "pool_reset_on_return": None,
        "hide_parameters": True,
    }

"""The extensions, unbound: created here, bound to an application by :func:`bind`, configured nowhere else."""

from typing import Any

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_mailman import Mail
from flask_wtf import CSRFProtect

from app.database import PortalDatabase
from app.database.connections import configuration
from app.models import Base
from app.settings import PROJECT_ROOT, Settings
from app.web.login_manager import PortalLoginManager

db = PortalDatabase(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
MIGRATE = "migrate"
bootstrap = Bootstrap5()
csrf = CSRFProtect()
login_manager = PortalLoginManager()
mail = Mail()


class LaterMigrate:
    """Flask-Migrate, bound when one of its commands asks for it: with Alembic it is eight megabytes of a worker."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        """Give way to what Flask-Migrate puts here, and answer as that does; its commands are in :mod:`app.cli`."""
        from flask_migrate import Migrate  # noqa: PLC0415 see the class

        commands = dict(self._app.cli.commands)
        Migrate(directory=str(PROJECT_ROOT / "migrations")).init_app(self._app, db)
        self._app.cli.commands = commands
        return getattr(self._app.extensions[MIGRATE], name)


def bind(app: Flask, settings: Settings) -> None:
    """Bind every extension to ``app``."""
    app.config.from_mapping(configuration(settings))
    db.bind_to(app, settings)
    app.extensions[MIGRATE] = LaterMigrate(app)
    bootstrap.init_app(app)
    csrf.init_app(app)
    login_manager.init_app(app)
    mail.init_app(app)

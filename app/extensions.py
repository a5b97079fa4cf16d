"""The extensions, unbound: created here, bound to an application by :func:`bind`, configured nowhere else."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_mailman import Mail
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from app.database import PortalDatabase
from app.database.connections import configuration
from app.models import Base
from app.settings import PROJECT_ROOT, Settings
from app.web.login_manager import PortalLoginManager

db = PortalDatabase(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
migrate = Migrate(directory=str(PROJECT_ROOT / "migrations"))
bootstrap = Bootstrap5()
csrf = CSRFProtect()
login_manager = PortalLoginManager()
mail = Mail()


def bind(app: Flask, settings: Settings) -> None:
    """Bind every extension to ``app``."""
    app.config.from_mapping(configuration(settings))
    db.bind_to(app, settings)
    migrate.init_app(app, db)
    bootstrap.init_app(app)
    csrf.init_app(app)
    login_manager.init_app(app)
    mail.init_app(app)

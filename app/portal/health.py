"""Whether the process lives, and whether it can serve."""

import logging
from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from app.database import only_reads
from app.errors import PortalError
from app.stores import StoreUnavailable
from app.wiring import services

bp = Blueprint("health", __name__)
logger = logging.getLogger("portal.health")


@bp.get("/health")
def health() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/ready")
def ready() -> Response:
    """The database, Redis where there is one, and the keys answer; 503 names the part that does not."""
    only_reads()
    checks = {"database": _database, "keys": _keys}
    if services.settings.storage.redis_url:
        checks["redis"] = services.store.ping
    parts = {name: _outcome(name, check) for name, check in checks.items()}
    is_ready = all(part == "ok" for part in parts.values())
    response = jsonify(status="ready" if is_ready else "unavailable", checks=parts)
    response.status_code = 200 if is_ready else 503
    return response


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except (SQLAlchemyError, StoreUnavailable, PortalError) as error:
        logger.warning("not_ready", extra={"part": name}, exc_info=error)
        services.db.rollback()
        return "failed"
    return "ok"


def _database() -> None:
    services.db.session.execute(sa.text("SELECT version_num FROM alembic_version")).one()


def _keys() -> None:
    if not services.keys.is_ready():
        raise PortalError("no signing key")

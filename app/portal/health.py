"""Whether the process lives, and whether it can serve."""

import logging
from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from app.database import only_reads
from app.errors import PortalError
from app.server import leaving
from app.stores import StoreUnavailable
from app.wiring import services

bp = Blueprint("health", __name__)
logger = logging.getLogger("portal.health")
UNKNOWN = "unknown"


@bp.get("/health")
def health() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/ready")
def ready() -> Response:
    """Whether this node can serve; each part says «ok» or what is wrong.

    503 when it cannot: without the database, a schema this code works with, the keys, or anywhere to count attempts,
    and ``leaving`` when it has been told to end and only waits for everybody to hear of it. 200 and ``degraded`` while
    Redis or the embedded store behind it is away, for everything is answered without them, and while another node
    that serves knows other secrets, which is named ``secrets``.
    """
    if leaving.is_leaving():
        return _answer(503, "leaving")
    only_reads()
    needed: dict[str, Callable[[], None]] = {"database": services.db.require_writable, "schema": _schema, "keys": _keys}
    helpful: dict[str, Callable[[], None]] = {}
    if services.settings.storage.redis_url:
        helpful = {"redis": services.store.ping, "embedded_store": services.store.ping_fallback}
    else:
        needed["embedded_store"] = services.store.ping
    parts: dict[str, str] = {}
    for name, check in {**needed, **helpful}.items():
        # Each of these stands on the one before; a database that is away is asked once.
        stands = name not in {"schema", "keys"} or set(parts.values()) <= {"ok"}
        parts[name] = _outcome(name, check) if stands else UNKNOWN
    if parts["schema"] == "ok" and (differing := _outcome("secrets", _secrets)) != "ok":
        parts["secrets"] = differing
    # Where Redis is away, attempts are counted in the embedded store; without both nobody may guess a password.
    is_counting = any(parts[name] == "ok" for name in ("redis", "embedded_store") if name in parts)
    is_serving = is_counting and all(parts[name] == "ok" for name in needed)
    status = "unavailable" if not is_serving else "ready" if set(parts.values()) == {"ok"} else "degraded"
    return _answer(200 if is_serving else 503, status, checks=parts)


def _answer(code: int, status: str, **more: object) -> Response:
    response = jsonify(status=status, **more)
    response.status_code = code
    return response


class _Unusable(Exception):
    """What is needed is there and cannot be used; the text says why, in one line."""


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except (StoreUnavailable, _Unusable) as error:
        logger.warning("not_ready", extra={"part": name, "reason": str(error)})
        return str(error)
    except (SQLAlchemyError, PortalError) as error:
        logger.warning("not_ready", extra={"part": name}, exc_info=error)
        services.db.rollback()
        return "failed"
    return "ok"


def _schema() -> None:
    fit = services.db.schema_fit()
    if not fit.is_usable:
        raise _Unusable(fit.sentence)


def _keys() -> None:
    if services.keys.missing():
        raise _Unusable(" ".join(services.keys.problems()) or "failed")


def _secrets() -> None:
    if problems := services.agreement.problems():
        raise _Unusable(" ".join(problems))

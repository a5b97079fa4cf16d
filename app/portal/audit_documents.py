"""What outsiders keep to hold the audit trail to later: the public keys, and the latest checkpoints (docs/audit.md)."""

from typing import cast

from flask import Blueprint, Flask, Response, jsonify, request

from app.database import only_reads
from app.wiring import services

SECONDS = 60


def register(app: Flask) -> None:
    """Mount the documents; the checkpoints only where the operator publishes them."""
    bp = Blueprint("audit_documents", __name__)
    bp.add_url_rule("/.well-known/audit-keys.json", view_func=keys)
    if app.extensions["services"].settings.audit.publishes_checkpoints:
        bp.add_url_rule("/.well-known/audit-checkpoints.json", view_func=checkpoints)
    app.register_blueprint(bp)


def keys() -> Response:
    """Every key that ever signed a checkpoint, the newest first."""
    only_reads()
    return _cached(jsonify(keys=services.checkpoints.public_keys()))


def checkpoints() -> Response:
    """The latest checkpoints, the newest first: the last row's number, its hash, when; nothing of what is on record."""
    only_reads()
    return _cached(jsonify(checkpoints=services.checkpoints.latest()))


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={SECONDS}"
    response.add_etag()
    return cast(Response, response.make_conditional(request))

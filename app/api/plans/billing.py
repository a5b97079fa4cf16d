"""Lemon Squeezy says what became of a subscription: it posts JSON, with an HMAC over the body as its proof.

``X-Signature`` is the hex HMAC-SHA256 of the raw body under the signing secret
(https://docs.lemonsqueezy.com/help/webhooks/signing-requests). Whatever is not answered with 200 is sent three times
more, so what is of no use here is 200 as well.
"""

import dataclasses
import hashlib
import hmac

from flask import Blueprint, Response, abort, jsonify, request

from app.api.inputs import JSON
from app.database import BILLING
from app.errors import NotFound, PortalError
from app.services.foundation.environment import Caller
from app.services.record.tally import Fact
from app.web.security import caller, count_request
from app.wiring import services

ACTOR = "billing"
bp = Blueprint("billing", __name__)


class Unsigned(PortalError):
    """The signature is missing, or is none of this body."""

    status, code, message = 403, "invalid_signature", "The signature is not one of this body."


class NoNotice(PortalError):
    """The signature is good, and the body is nothing that is known here."""

    status, code, message = 400, "invalid_request", "The body is not a notice about a subscription."


@bp.post("/webhook")
def webhook() -> Response:
    """Deal with a notice once, whenever it arrives; answers what became of it."""
    secret = services.settings.billing.webhook_secret
    if not secret:
        count_request()
        raise NotFound
    body = request.get_data()
    if not _is_signed(body, secret):
        count_request()
        services.tally.count(Fact.BILLING, Unsigned.code)
        raise Unsigned
    if request.mimetype != JSON:
        abort(415)
    services.db.enter(BILLING)
    try:
        outcome = services.billing.receive(body, _provider())
    except ValueError as problem:
        services.tally.count(Fact.BILLING, NoNotice.code)
        raise NoNotice from problem
    return jsonify(status=outcome)


def _is_signed(body: bytes, secret: str) -> bool:
    given = request.headers.get("X-Signature", "")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _provider() -> Caller:
    return dataclasses.replace(caller(), actor=ACTOR)

"""What a person may take in a month: read, taken, given back."""

from typing import Any

from flask import Response, jsonify

from app.api.models import Answer
from app.api.operations import Access, Routes
from app.api.plans.asking import Asking
from app.api.plans.limits import headers, seconds_left
from app.api.plans.models import Consumption, GivenBack, QuotaNow, QuotaRefusal, QuotaReleased, Whose
from app.errors import InvalidFields, PortalError
from app.services.plans.quotas import QuotaExceeded, QuotaState
from app.wiring import services

routes = Routes("Quotas")
NO_KEY = "Name the key here or in the header Idempotency-Key."
TWO_KEYS = "This is another key than that of the header Idempotency-Key."


class Exceeded(PortalError):
    """The refusal with what programs need to go on: how much there is, and when there is more."""

    status, code = 429, "quota_exceeded"

    def __init__(self, refusal: QuotaExceeded) -> None:
        super().__init__(refusal.message)
        state, now = refusal.state, services.clock()
        told = QuotaRefusal(error_description=refusal.message, **_members(state))
        self.body = told.model_dump(mode="json")
        self.headers = {"Retry-After": str(seconds_left(state, now)), **headers(state, now)}


@routes("GET", "", Access.FEATURES, query=Whose, answer=QuotaNow, refusals=(404,), tells_limit=True)
def quota(asking: Asking, query: Whose) -> Response:
    """How much a person may take this month, and how much of it is left."""
    state = services.quotas.read(asking.whose(query.user_id))
    return _answered(_now(state), state)


@routes(
    "POST",
    "/consume",
    Access.BEHALF,
    body=Consumption,
    answer=QuotaNow,
    refusals=(404, 422),
    takes_key=True,
    tells_limit=True,
    limit_answer=QuotaRefusal,
)
def consume(asking: Asking, body: Consumption, key: str | None) -> Response:
    """Take of a person's month, all of it or nothing.

    With an `Idempotency-Key` it is taken once: the same key with the same amount gets the same answer again, for 62
    days, whatever was taken since. What is refused is not remembered. A key is one of that person and client.
    """
    try:
        taken = services.quotas.consume(asking.whose(body.user_id), body.amount, client_id=asking.client_id, key=key)
    except QuotaExceeded as refusal:
        raise Exceeded(refusal) from refusal
    return _answered(_now(taken.answer), taken.now)


@routes(
    "POST",
    "/release",
    Access.BEHALF,
    body=GivenBack,
    answer=QuotaReleased,
    refusals=(404,),
    takes_key=True,
    tells_limit=True,
)
def release(asking: Asking, body: GivenBack, key: str | None) -> Response:
    """Give back what was taken under a key, once; of a month that is over, nothing.

    The key is that of the consumption, in the header or in the body. It cannot be used for another consumption.
    """
    state, given = services.quotas.release(
        asking.whose(body.user_id), _one(key, body.key), client_id=asking.client_id, amount=body.amount
    )
    return _answered(QuotaReleased(**_members(state), released=given), state)


def _one(in_header: str | None, in_body: str | None) -> str:
    if in_header is not None and in_body is not None and in_header != in_body:
        raise InvalidFields({"key": TWO_KEYS})
    key = in_header or in_body
    if key is None:
        raise InvalidFields({"key": NO_KEY})
    return key


def _now(state: QuotaState) -> QuotaNow:
    return QuotaNow(**_members(state))


def _members(state: QuotaState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in QuotaNow.model_fields}


def _answered(answer: Answer, state: QuotaState) -> Response:
    response = jsonify(answer.model_dump(mode="json"))
    response.headers.update(headers(state, services.clock()))
    return response

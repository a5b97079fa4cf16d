"""What the service API answers about records, deliveries and settings, as pydantic models (:mod:`app.api.models`)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.models import Answer
from app.api.service.answers import ListAnswer, Part
from app.services.oversight.deliveries import DeliveryState


class SeenDelivery(Answer):
    """A mail or a notice on its way, without what it says; `error` is why the last attempt failed."""

    id: str
    kind: str
    user_id: str | None
    client_id: str | None
    created_at: datetime
    next_attempt_at: datetime
    attempts: int
    done_at: datetime | None
    given_up_at: datetime | None
    error: str
    state: DeliveryState


class DeliveryList(ListAnswer):
    """Some of the deliveries, the latest first."""

    deliveries: list[SeenDelivery]


class Record(Answer):
    """Something that happened. `sequence` is its place in the sealed chain, null until it is sealed."""

    sequence: int | None
    id: str
    action: str
    client_id: str | None
    user_id: str | None
    actor: str
    success: bool
    error_code: str | None
    ip: str
    user_agent: str
    details: dict[str, Any]
    created_at: datetime


class Decision(Answer):
    """One thing that was decided: when, what, by whom, and in which request."""

    at: datetime
    what: str
    by: str
    success: bool
    reason: str
    sentence: str
    client_id: str | None
    user_id: str | None
    session_id: str | None
    grant_id: str | None
    request_id: str | None


class Trace(Answer):
    """What is on record about one thing; `kind` is request, session, grant or person."""

    kind: str
    id: str
    why: list[str]
    decisions: list[Decision]


class RecordList(Part):
    """Some of the records, the latest first."""

    records: list[Record]
    searched_to: Annotated[
        datetime | None,
        Field(description="Set where the search stopped at this time before it found enough; `next` goes on."),
    ]


class Setting(Answer):
    """A setting as this portal runs with it; what is secret is masked."""

    variable: str
    value: str


class SettingList(Answer):
    """All settings."""

    settings: list[Setting]

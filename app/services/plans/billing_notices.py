"""What a notice of the payment provider says, in the form Lemon Squeezy sends: a subscription as it is now.

A notice is a resource of JSON:API, https://docs.lemonsqueezy.com/help/webhooks: ``meta.event_name`` says what happened,
``meta.custom_data`` is what the checkout was given, ``data`` the subscription whole. So the latest one says all that
there is to know, in whatever order they arrive.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.services.plans.effective import ACTIVE, CANCELLED, EXPIRED
from app.services.plans.periods import is_usual

ABOUT_PLANS = frozenset(
    {"subscription_created", "subscription_updated", "subscription_cancelled", "subscription_expired"}
)
"""What is looked at. ``subscription_updated`` comes with every other change of a subscription, too."""
LONGEST_NAME = 40
STATUSES = {
    "on_trial": ACTIVE,
    "active": ACTIVE,
    # A renewal failed and is tried again for two weeks.
    "past_due": ACTIVE,
    "cancelled": CANCELLED,
    # Whoever sells decides what this is; nothing was paid.
    "unpaid": EXPIRED,
    "expired": EXPIRED,
}
PAUSED, FREE_OF_CHARGE = "paused", "free"
"""A pause without payments; of mode ``free`` what was sold goes on meanwhile, of mode ``void`` it does not."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z", re.ASCII)
_NAME = re.compile(rf"[a-z_]{{1,{LONGEST_NAME}}}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Notice:
    """A subscription as it was when the provider changed it at ``changed_at``.

    ``status`` is None for one that is not known here. ``user_id`` is None where the checkout named nobody, and empty
    where it named something else than an id.
    """

    name: str
    subscription_id: str
    customer_id: str
    variant_id: str
    user_id: str | None
    status: str | None
    began_at: datetime
    changed_at: datetime
    renews_at: datetime | None
    ends_at: datetime | None


def name_of(payload: dict[str, Any]) -> str:
    """What happened; raises ``ValueError`` for what is no notice."""
    name = _member(payload, "meta").get("event_name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise ValueError("event_name")
    return name


def read(payload: dict[str, Any]) -> Notice:
    """A notice about a subscription; raises ``ValueError`` for what is none."""
    meta, data = _member(payload, "meta"), _member(payload, "data")
    if data.get("type") != "subscriptions":
        raise ValueError("type")
    told = _member(data, "attributes")
    changed_at, ends_at = _moment(told.get("updated_at")), _moment_or_none(told.get("ends_at"))
    renews_at, status = _moment_or_none(told.get("renews_at")), _status(told)
    if told["status"] == PAUSED:
        renews_at = None  # nothing is paid meanwhile
    if status in {CANCELLED, EXPIRED} and ends_at is None:
        ends_at = renews_at if status == CANCELLED and renews_at else changed_at
    return Notice(
        name_of(payload),
        _id(data.get("id")),
        _id(told.get("customer_id")),
        _id(told.get("variant_id")),
        _user_id(meta.get("custom_data")),
        status,
        _moment(told.get("created_at")),
        changed_at,
        renews_at,
        # What is active has no end, even if it was cancelled before.
        None if status == ACTIVE else ends_at,
    )


def _status(told: dict[str, Any]) -> str | None:
    stated = told.get("status")
    if not isinstance(stated, str):
        raise ValueError("status")
    if stated != PAUSED:
        return STATUSES.get(stated)
    pause = told.get("pause")
    return ACTIVE if isinstance(pause, dict) and pause.get("mode") == FREE_OF_CHARGE else EXPIRED


def _user_id(custom: Any) -> str | None:
    # Without any data of a checkout there is an empty list in its place.
    if not isinstance(custom, dict) or "user_id" not in custom:
        return None
    try:
        return str(UUID(custom["user_id"])) if isinstance(custom["user_id"], str) else ""
    except ValueError:
        return ""


def _member(whole: dict[str, Any], name: str) -> dict[str, Any]:
    member = whole.get(name)
    if not isinstance(member, dict):
        raise ValueError(name)
    return member


def _id(value: Any) -> str:
    """An id as it is kept: numbers and texts are ids there."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else value
    if not isinstance(text, str) or not _ID.match(text):
        raise ValueError("id")
    return text


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("moment")
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("moment") from None
    if moment.tzinfo is None or not is_usual(utc):
        raise ValueError("moment")
    return utc


def _moment_or_none(value: Any) -> datetime | None:
    return None if value is None else _moment(value)

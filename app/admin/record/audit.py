"""The audit log: what happened, the latest first, and one record with what proves it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_login import current_user

from app.admin.lists import PAGE
from app.admin.pages import Answer, asked, desk, show
from app.admin.record.sentences import subjects, told
from app.admin.record.wanted import WantedRecords, wanted_records
from app.errors import InvalidInput
from app.languages import gettext as _
from app.services.foundation.pages import Page
from app.services.foundation.powers import AUDIT, USERS
from app.services.record.audit import REQUEST
from app.services.record.saved import Saved
from app.wiring import services

audit_desk = desk("admin_audit", "/audit", AUDIT)
bp = audit_desk.bp


@dataclass(frozen=True, slots=True)
class Told:
    """A record as the list shows it; ``person`` and ``by`` are names where there is one and it may be seen."""

    id: str
    text: str
    action: str
    is_success: bool
    error: str | None
    client_id: str | None
    person_id: str | None
    person: str | None
    actor: str
    by: str | None
    ip: str
    at: datetime

    @property
    def is_own(self) -> bool:
        """Whether the person did it whom it is about."""
        return self.person_id is not None and self.actor == self.person_id


@dataclass(frozen=True, slots=True)
class Link:
    """A filter that whoever is here keeps: what its address asks, and whether that is asked here."""

    id: str
    name: str
    asks: dict[str, str]
    created_at: datetime
    is_here: bool


@bp.get("")
def audit() -> Answer:
    """Records, the latest first, of which all that the address asks for holds."""
    wanted = wanted_records()
    if not wanted.understood():
        return page(wanted), 400
    try:
        found = services.records.page(wanted.records, audit_desk.acting(), limit=PAGE, after=asked("after"))
    except InvalidInput as refusal:
        wanted.problems[""] = _(refusal.message)
        return page(wanted), 400
    return page(wanted, found)


@bp.get("/<uuid:record_id>")
def record(record_id: Any) -> str:
    """One record, what is on record beside it, and what proves it."""
    found = services.single_records.get(str(record_id), audit_desk.acting())
    (line,) = _told([found.record])
    return show(
        "record/record",
        record=found.record,
        told=line,
        details={name: value for name, value in found.record["details"].items() if name != REQUEST},
        request_id=found.record["details"].get(REQUEST),
        proof=found.proof,
    )


def links(kept: Iterable[Saved], wanted: WantedRecords) -> list[Link]:
    """Where the filters that somebody keeps lead; what such an address cannot ask any more is left out."""
    here = wanted.kept()
    made = [(each, {name: value for name, value in each.asks.items() if name in wanted.filters}) for each in kept]
    return [Link(each.id, each.name, asks, each.created_at, asks == here) for each, asks in made]


def page(wanted: WantedRecords, found: Page[dict[str, Any]] | None = None) -> str:
    """The list, or what is wrong with what is asked for."""
    saved = links(services.saved_filters.all(current_user.id), wanted)
    return show(
        "record/audit",
        page=found,
        records=_told(found.items) if found else [],
        filters=wanted.filters,
        problems=wanted.problems,
        subjects=subjects(),
        told=told,
        saved=saved,
        is_saved=any(each.is_here for each in saved),
        sees_people=current_user.powers.cover(USERS),
    )


def _told(records: Iterable[Mapping[str, Any]]) -> list[Told]:
    found = list(records)
    ids = {each[name] for each in found for name in ("user_id", "actor") if each[name]}
    names = services.directory.names(ids) if ids and current_user.powers.cover(USERS) else {}
    return [
        Told(
            each["id"],
            _(told(each["action"], is_success=each["success"])),
            each["action"],
            each["success"],
            each["error_code"],
            each["client_id"],
            each["user_id"],
            names.get(each["user_id"]),
            each["actor"],
            names.get(each["actor"]),
            each["ip"],
            each["created_at"],
        )
        for each in found
    ]

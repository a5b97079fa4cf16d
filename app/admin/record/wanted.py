"""Which records the address of the audit log asks for, and what is wrong with that."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from flask_login import current_user

from app.admin.lists import YES_NO, Filters
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.languages.times import typed_moment
from app.services.foundation.powers import USERS
from app.services.record.audit import Event
from app.services.record.search import Filters as Records
from app.wiring import services

Read = TypeVar("Read")
ACTIONS = frozenset(
    name for event in Event for name in (event.value, *(event.value[: each.end()] for each in re.finditer(":", event)))
)
"""Events, and how several of them begin."""
NOBODY_OF_ADDRESS = sentence("No account has this e-mail address.")
IDS_ONLY = sentence("Type an ID here: e-mail addresses are for administrators of people.")
NO_MOMENT = sentence("This is not a date with a time.")


@dataclass
class WantedRecords:
    """What the address says: ``filters`` by name, ``records`` as the trail is asked, ``problems`` by name."""

    filters: Filters
    problems: dict[str, str] = field(default_factory=dict)
    records: Records = field(default_factory=Records)

    def understood(self) -> bool:
        """Read the filters; answers whether that could be done."""
        asked = self.filters
        self.records = Records(
            actions=(asked["action"],) if asked["action"] else None,
            client=asked["client"],
            user=self._read("person", person_id),
            actor=self._read("actor", person_id),
            success=asked.said("success"),
            error=asked["error"],
            ip=asked["network"],
            request=asked["request"],
            since=self._read("since", _moment),
            until=self._read("until", _moment),
        )
        return not self.problems

    def _read(self, name: str, read: Callable[[str], Read]) -> Read | None:
        text = self.filters[name]
        try:
            return read(text) if text else None
        except InvalidInput as refusal:
            self.problems[name] = _(refusal.message)
            return None


def wanted_records() -> WantedRecords:
    """What the address of this request asks for."""
    plain = dict.fromkeys(("person", "actor", "client", "error", "network", "request", "since", "until"))
    return WantedRecords(Filters(action=ACTIONS, success=YES_NO, **plain))


def person_id(text: str) -> str:
    """The id of an account, also of one that is gone; by its e-mail address for who may see those."""
    if "@" not in text:
        return text
    if not current_user.powers.cover(USERS):
        raise InvalidInput(IDS_ONLY)
    try:
        return services.accounts.find(text).id
    except NotFound:
        raise InvalidInput(NOBODY_OF_ADDRESS) from None


def _moment(text: str) -> datetime:
    try:
        return typed_moment(text)
    except ValueError:
        raise InvalidInput(NO_MOMENT) from None

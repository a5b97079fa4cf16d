"""Which records the address of the audit log asks for, and what is wrong with that."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.admin.lists import YES_NO, Filters, person_id
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.languages.times import typed_moment
from app.services.foundation.search import addresses_of
from app.services.record.audit import Event
from app.services.record.search import Filters as Records

Read = TypeVar("Read")
ACTIONS = frozenset(
    name for event in Event for name in (event.value, *(event.value[: each.end()] for each in re.finditer(":", event)))
)
"""Events, and how several of them begin."""
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
            ip=self._read("network", _network),
            request=asked["request"],
            since=self._read("since", _moment),
            until=self._read("until", _moment),
        )
        return not self.problems

    def kept(self) -> dict[str, str]:
        """What they ask, as it may be kept: people by their ids, whatever address they have by then."""
        people = {"person": self.records.user, "actor": self.records.actor}
        return {name: people.get(name) or value for name, value in self.filters.items() if value}

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


def _network(text: str) -> str:
    addresses_of(text)
    return text


def _moment(text: str) -> datetime:
    try:
        return typed_moment(text)
    except ValueError:
        raise InvalidInput(NO_MOMENT) from None

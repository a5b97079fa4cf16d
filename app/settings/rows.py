"""Settings as they are shown: one line each, secrets masked."""

import dataclasses
import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.settings import database_urls

MASK = "********"


class Source(enum.StrEnum):
    """Where a value comes from; ``DERIVED`` is one that the portal makes of others, or by itself."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DERIVED = "derived"
    DEFAULT = "default"

    @classmethod
    def of(cls, variable: str, environ: Mapping[str, str]) -> Self | None:
        """Where the environment gives it, None where it does not."""
        if environ.get(variable):
            return cls("environment")
        return cls("file") if environ.get(f"{variable}_FILE") else None


@dataclass(frozen=True)
class SettingRow:
    """One line of the settings table."""

    variable: str
    default: str
    meaning: str
    value: str = ""
    group: str = ""
    is_secret: bool = False
    source: Source = Source.DEFAULT


def rows_of(group: Any, title: str, sources: Mapping[str, Source], name: str = "") -> Iterator[SettingRow]:
    """The rows of the group that is called ``title``; ``name`` is what its variables are made with."""
    for item in settings_of(group):
        value, metadata = getattr(group, item.name), item.metadata
        shown = ", ".join(map(_shown, value)) if isinstance(value, tuple) else str(value)
        variable = metadata["variable"].format(name)
        is_own = value == metadata["parse"](metadata["default"])
        yield SettingRow(
            variable=variable,
            default=metadata["default"],
            meaning=metadata["meaning"],
            value=_masked(shown, item.name) if metadata["secret"] else shown,
            group=title,
            is_secret=metadata["secret"],
            source=sources.get(variable) or (Source.DEFAULT if is_own else Source.DERIVED),
        )


def settings_of(group: Any) -> list[dataclasses.Field[Any]]:
    """The fields of a group that are settings."""
    return [item for item in dataclasses.fields(group) if item.metadata]


def _shown(part: Any) -> str:
    return "=".join(part) if isinstance(part, tuple) else str(part)


def _masked(value: str, name: str) -> str:
    """A secret as it may be shown; a database URL keeps what is not its password."""
    if name == "database_url" or (name == "owner_url" and value):
        return database_urls.masked(value, MASK)
    if name == "redis_url":
        return re.sub(r"(://[^:/@]*):[^@]*@", rf"\1:{MASK}@", value)
    return MASK if value else ""

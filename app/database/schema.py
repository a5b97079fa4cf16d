"""The schema: which revision the code was written for, which one the database has, and whether the two get along."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import sqlalchemy as sa

from app.settings import PROJECT_ROOT

MIGRATIONS = PROJECT_ROOT / "migrations"
IDENTIFIER = re.compile(r"""^(revision|down_revision)\b[^=\n]*= *['"](\w+)['"]$""", re.M)
"""What a migration says of itself, as ``migrations/script.py.mako`` has it."""
_metadata = sa.MetaData()
CURRENT = sa.Table("alembic_version", _metadata, sa.Column("version_num", sa.String(32), primary_key=True))
REVISIONS = sa.Table(
    "schema_revisions",
    _metadata,
    sa.Column("revision", sa.String(32), primary_key=True),
    sa.Column("oldest_code", sa.String(32), nullable=False),
)
"""What each migration that was made says of older code, for code that does not know the migration."""
UPGRADE = "run «flask --app wsgi db upgrade»"


class Age(Enum):
    """How old the database's schema is for this code."""

    EMPTY = "empty"
    OLDER = "older"
    SAME = "same"
    NEWER = "newer"


@dataclass(frozen=True)
class Fit:
    """Whether this code can work on the database's schema; ``sentence`` says it in one line."""

    age: Age
    is_usable: bool
    sentence: str

    @property
    def is_expected(self) -> bool:
        """Whether it is the very one."""
        return self.age is Age.SAME

    @property
    def needs_migration(self) -> bool:
        """Whether this code's migrations lead from it to the one it was written for."""
        return self.age in {Age.EMPTY, Age.OLDER}


@lru_cache(maxsize=1)
def known() -> tuple[str, frozenset[str]]:
    """The revision this code was written for, and all that it knows.

    Read from the text of the migrations: Alembic, with all of them, would be eight megabytes of every worker. Raises
    ``ValueError`` where not one of them is the last.
    """
    scripts = (file.read_text() for file in (MIGRATIONS / "versions").glob("*.py"))
    said = [dict(IDENTIFIER.findall(script)) for script in scripts]
    revisions = frozenset(each["revision"] for each in said)
    (head,) = revisions - {each.get("down_revision") for each in said}
    return head, revisions


def fit(found: str | None, demands: Mapping[str, str]) -> Fit:
    """Compare ``found``, the database's revision, with the code's.

    ``demands`` are the oldest revisions of code that work with each of the database's. A newer schema is usable where
    every migration that this code does not know says so of code as old as this.
    """
    head, all_known = known()
    if found is None:
        return Fit(Age.EMPTY, False, f"The database holds no schema of the portal: {UPGRADE}.")
    if found == head:
        return Fit(Age.SAME, True, f"The schema is revision {head}.")
    if found in all_known:
        return Fit(Age.OLDER, False, f"The schema is revision {found} and this code needs {head}: {UPGRADE}.")
    unknown = {revision: oldest for revision, oldest in demands.items() if revision not in all_known}
    newer = f"The schema is revision {found}, newer than this code's {head}"
    if found in unknown and all(oldest in all_known for oldest in unknown.values()):
        return Fit(Age.NEWER, True, f"{newer}, which works with it.")
    return Fit(Age.NEWER, False, f"{newer}, which does not work with it: run newer code.")


def read(connection: sa.Connection, schema: str | None) -> Fit:
    """What :func:`fit` says of a database; reads alone, and nothing that might not be there."""
    there = sa.inspect(connection)
    found = None
    if there.has_table(CURRENT.name, schema=schema):
        found = connection.scalar(sa.select(CURRENT.c.version_num))
    if found is None or found in known()[1] or not there.has_table(REVISIONS.name, schema=schema):
        return fit(found, {})
    return fit(found, {row.revision: row.oldest_code for row in connection.execute(sa.select(REVISIONS))})


def note(connection: sa.Connection, revision: str, oldest_code: str | None, *, is_upgrade: bool) -> None:
    """Put on record what a migration says of older code, or take it off when it is undone."""
    REVISIONS.create(connection, checkfirst=True)
    connection.execute(sa.delete(REVISIONS).where(REVISIONS.c.revision == revision))
    if is_upgrade and oldest_code:
        connection.execute(sa.insert(REVISIONS).values(revision=revision, oldest_code=oldest_code))

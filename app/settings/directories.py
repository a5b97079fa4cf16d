"""Directories that must be writable, found out by writing: rights, read-only file systems and root all tell lies."""

import tempfile
from collections.abc import Iterator
from pathlib import Path


def problems(instance: Path, database: Path | None, redis_url: str) -> Iterator[str]:
    """One sentence for each directory that is needed and cannot be written; ``database`` is SQLite's file."""
    needed: dict[Path, list[str]] = {}
    if not redis_url:
        needed.setdefault(instance, []).append("attempts are counted there (or set REDIS_URL)")
    if database:
        needed.setdefault(database.parent, []).append("the database is there")
    for directory, uses in needed.items():
        if why := _refusal(directory):
            yield f"{directory} cannot be written ({why}), but {' and '.join(uses)}; INSTANCE_PATH names another one"


def problems_of_photos(folder: Path) -> Iterator[str]:
    """One sentence if photos cannot be kept in ``folder``."""
    if why := _refusal(folder):
        yield f"{folder} cannot be written ({why}), but PHOTO_FOLDER says that photos are kept there"


def _refusal(directory: Path) -> str | None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__

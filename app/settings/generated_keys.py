"""Keys that a development portal makes for itself: one file each, readable by its owner alone."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path


class Unusable(Exception):
    """A kept key must not or cannot be used; the text says why."""


def kept_in(path: Path, make: Callable[[], str]) -> str:
    """The secret in ``path``, made by the first process that asks; raises :class:`Unusable`."""
    try:
        return _kept(path, make)
    except OSError as error:
        raise Unusable(f"{path} cannot be used: {error.strerror}") from error
    except UnicodeDecodeError:
        raise Unusable(f"{path.name} is damaged: it holds no text; restore it from a backup") from None


def _kept(path: Path, make: Callable[[], str]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as new:
            new.write(make())
        try:
            os.link(draft, path)  # appears whole or not at all, and only for the first process
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    if path.stat().st_mode & 0o077:
        raise Unusable(f"{path.name} can be read by others; run chmod 600 on it")
    if value := path.read_text(encoding="utf-8").strip():
        return value
    raise Unusable(f"{path.name} is empty; restore it from a backup, or delete it to have a new one made")


def new_fernet_key() -> str:
    """32 random bytes in the form Fernet wants."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def is_fernet_key(key: str) -> bool:
    """Whether ``key`` has the form Fernet wants."""
    try:
        return len(base64.urlsafe_b64decode(key)) == 32
    except ValueError:
        return False


def kept_at(path: Path) -> str | None:
    """The secret that is in ``path`` already, if there is one."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None

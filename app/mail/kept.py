"""Mails that stay: files in the instance directory, where a developer reads what would have been sent."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from app.services.delivery.outbox import DeliveryFailed
from app.settings import Settings

MOST_KEPT = 200
MOMENT = "%Y%m%dT%H%M%S%f"
"""How a file's name begins, for names to sort by time; the delivery's id follows, so a repeat is the same file."""
NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One of the files, taken apart."""

    name: str
    subject: str
    to: str
    sent_at: datetime
    text: str
    html: str


def directory(settings: Settings) -> Path:
    """Where mails are kept."""
    return settings.instance_path / "mail"


def keep(folder: Path, name: str, message: bytes) -> None:
    """Write a mail whole or not at all, for its owner's eyes alone, and remove the oldest of too many."""
    unfinished = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(message)
        unfinished.replace(folder / f"{name}.eml")
        for old in _newest_first(folder)[MOST_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:
        raise DeliveryFailed("not_kept") from None


def all_kept(folder: Path) -> Iterator[KeptMail]:
    """What is kept, the newest first."""
    for path in _newest_first(folder):
        if mail := _read(path):
            yield mail


def find(folder: Path, name: str) -> KeptMail | None:
    """The mail of this name, if there is one."""
    return _read(folder / f"{name}.eml") if NAME.fullmatch(name) else None


def _newest_first(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*.eml") if NAME.fullmatch(path.stem)), reverse=True)


def _read(path: Path) -> KeptMail | None:
    try:
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
    except OSError:  # removed a moment ago
        return None
    return KeptMail(
        name=path.stem,
        subject=str(message["Subject"]),
        to=str(message["To"]),
        sent_at=message["Date"].datetime,
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""

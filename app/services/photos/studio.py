"""The studio: makes photos of what was sent, one at a time, each in a process of its own (:mod:`.picture`)."""

import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from app.errors import InvalidInput, Unavailable, sentence

PROGRAM = Path(__file__).with_name("picture.py")
SECONDS = 20.0
"""By the clock on the wall; the process itself ends after half of that by its own."""
PATIENCE_SECONDS = 4.0
"""How long somebody waits for who came first: meanwhile a thread can answer nobody else."""
FIELD = "photo"
TOO_MANY_BYTES = sentence("This file is too large. Choose a smaller one.")
REASONS = {
    "not_a_picture": sentence("This file is not a picture that can be used. Choose a JPEG, PNG, WebP, GIF or AVIF."),
    "too_large": sentence("This picture has too many pixels. Make it smaller and try again."),
    "too_small": sentence("This picture is too small. It needs at least 64 pixels on each side."),
    "broken": sentence("This picture is damaged. Choose another one."),
}
logger = logging.getLogger("portal.photos")


@dataclass(frozen=True, slots=True)
class Sizes:
    """One photo as JPEGs, square and without anything but its pixels."""

    small: bytes
    medium: bytes
    large: bytes


class Studio:
    """Makes photos of at most ``most_bytes`` bytes of whatever somebody sent."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._turn = threading.Semaphore()

    def make(self, data: bytes) -> Sizes:
        """The photo in three sizes.

        Raises :class:`InvalidInput` (``field="photo"``) with what is wrong with it, and :class:`Unavailable` while
        others have theirs made. May take seconds: to be called outside of any transaction.
        """
        if len(data) > self.most_bytes:
            raise InvalidInput(TOO_MANY_BYTES, FIELD)
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise Unavailable
        try:
            head, _, body = _answer(data).partition(b"\n")
        finally:
            self._turn.release()
        said = json.loads(head)
        if "reason" in said:
            raise InvalidInput(REASONS[said["reason"]], FIELD)
        small, medium, _ = said["lengths"]
        return Sizes(body[:small], body[small : small + medium], body[small + medium :])


def _answer(data: bytes) -> bytes:
    """What the program says; one that is ended by its limits says that the picture is broken."""
    # It gets nothing of the environment, where secrets are, but where the libraries lie.
    environment = {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    command = [sys.executable, "-P", str(PROGRAM)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, env=environment, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return b'{"reason": "broken"}\n'
    if done.returncode == 0:
        return done.stdout
    if done.returncode < 0:
        logger.warning("picture_ended_its_process", extra={"signal": -done.returncode})
        return b'{"reason": "broken"}\n'
    raise RuntimeError(f"The program for pictures failed: {done.stderr.decode(errors='replace')[-500:]}")

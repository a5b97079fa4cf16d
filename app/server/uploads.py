"""Files that are sent: by which requests, how much they may be, and that they stay in memory."""

from io import BytesIO
from typing import IO

from flask import Request, request

from app.services.batches.batches import MOST_BYTES
from app.settings import Settings
from app.wiring import services

BESIDE = 256 * 1024
"""Bytes of a form without its file."""
FORM, PROGRAM = (b"POST /account/profile",), (b"PUT /api/v1/auth/photo", b"PUT /api/auth/photo")
OF_PEOPLE = (b"POST /admin/people/import",)


class PortalRequest(Request):
    """A request whose files need no disk: the limits of a body are those of memory."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return BytesIO()


def longer_bodies(settings: Settings) -> tuple[tuple[bytes, int], ...]:
    """The requests that may bring a file, and most bytes of each."""
    form, program = _most_of_form(settings), settings.accounts.photo_bytes
    people = _most_of_people()
    return (
        *((each, form) for each in FORM),
        *((each, program) for each in PROGRAM),
        *((each, people) for each in OF_PEOPLE),
    )


def expect_form_with_file() -> None:
    """Let the form of the running request hold a photo.

    One that is somewhat too large is taken and refused beside its field, with all that was typed; a larger one is not
    read at all, so nothing of its form is known.
    """
    request.max_content_length = _most_of_form(services.settings)


def expect_file_of_people() -> None:
    """Let the form of the running request hold a file of people; one that is somewhat too large is refused by name."""
    request.max_content_length = _most_of_people()


def received_file() -> bytes:
    """The file that is the body of the running request; 413 for one that is too large."""
    request.max_content_length = services.settings.accounts.photo_bytes
    return request.get_data()


def _most_of_people() -> int:
    return MOST_BYTES + MOST_BYTES // 4 + BESIDE


def _most_of_form(settings: Settings) -> int:
    return 2 * settings.accounts.photo_bytes + BESIDE

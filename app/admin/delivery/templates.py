"""Every mail there is, as its reader sees it: in both languages, as text and as HTML, with examples for values."""

from typing import Any, Protocol, cast

from flask import Response, current_app

from app.admin.delivery.mail import bp
from app.admin.lists import Filters
from app.admin.pages import show
from app.errors import NotFound
from app.languages import SUPPORTED, current_language
from app.web.security import allow_frames_of_own, quarantine

WIDTHS = ("desk", "phone")


class Letter(Protocol):
    """A mail that nobody was sent."""

    subject: str
    text: str
    html: str


class Examples(Protocol):
    """What the rendering of mails offers: by name, every mail there is, written with values of nobody."""

    names: tuple[str, ...]

    def write(self, name: str, language: str) -> Letter:
        """One of them; raises KeyError where there is none of this name."""
        ...


@bp.get("/templates")
def templates() -> str:
    """All of them by their subjects."""
    language, found = current_language(), _examples()
    subjects = sorted((found.write(name, language).subject, name) for name in found.names)
    return show("delivery/templates", subjects=subjects)


@bp.get("/templates/<name>")
def template(name: str) -> str:
    """One of them: as a mail program shows it, and as text."""
    filters = Filters(language=SUPPORTED, width=WIDTHS)
    language = filters["language"] or current_language()
    allow_frames_of_own()
    return show(
        "delivery/template",
        name=name,
        letter=_letter(name, language),
        language=language,
        width=filters["width"] or WIDTHS[0],
    )


@bp.get("/templates/<name>/html")
def html(name: str) -> Response:
    """Its HTML, alone in a sandbox."""
    quarantine()
    language = Filters(language=SUPPORTED)["language"] or current_language()
    return Response(_letter(name, language).html, mimetype="text/html")


def _examples() -> Examples:
    return cast(Examples, current_app.extensions["mail_examples"])


def _letter(name: str, language: str) -> Any:
    try:
        return _examples().write(name, language)
    except KeyError:
        raise NotFound from None

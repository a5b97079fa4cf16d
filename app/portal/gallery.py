"""Every part that pages are put together from, in every state, theme and language, on one page of development portals.

The parts are the macros the pages use, so that what is seen here is what people see.
"""

from typing import Any

import flask_babel
from flask import Blueprint, abort, render_template
from wtforms import BooleanField, PasswordField, StringField

from app.languages import SUPPORTED
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.clients.clients import ClientRecord
from app.web.forms import OpenForm
from app.web.presentation import AskingApplication, application, tile
from app.web.providers import ORDER, ProviderButton, provider_title
from app.web.providers.in_app_browsers import WayOut
from app.wiring import services

bp = Blueprint("gallery", __name__)
THEMES = ("light", "dark")
LONG = "국제 인공지능 워크스페이스 협업 그룹 대표 관리자 " * 4


class PartsForm(OpenForm):
    """One field of each kind."""

    name = StringField(_l("Name"))
    email = StringField(_l("E-mail"))
    password = PasswordField(_l("Password"))
    remember = BooleanField(_l("Keep me logged in"))


@bp.get("/dev/parts")
def show() -> str:
    """The gallery; there is none where people work."""
    if services.settings.server.environment == "production":
        abort(404)
    clients = services.clients.all(listed=True)
    variants = []
    for language in SUPPORTED:
        with flask_babel.force_locale(language):
            for theme in THEMES:
                variants.append(_variant(language, theme, clients))
    return render_template("gallery/page.html", variants=variants)


def _variant(language: str, theme: str, clients: list[ClientRecord]) -> dict[str, str]:
    key = f"{language}-{theme}"
    html = render_template(
        "gallery/parts.html",
        key=key,
        form=PartsForm(prefix=f"{key}-"),
        refused=_refused(PartsForm(prefix=f"{key}-refused-")),
        person=_person("김민수", "minsu@example.com", "민수"),
        long_person=_person(LONG, f"{'a' * 200}@example.com", "국제"),
        asking=_asking(),
        clients=[application(each) for each in clients],
        tiles=[tile(each) for each in clients],
        buttons=_buttons(language),
        ways=_ways(),
        now=services.clock(),
    )
    return {"key": key, "language": language, "theme": theme, "html": html}


def _refused(form: PartsForm) -> PartsForm:
    """The form as it comes back when something is wrong with every field."""
    form.name.errors = [_("Enter your name.")]
    form.email.errors = [_("Enter your e-mail.")]
    form.password.errors = [_("Enter a password.")]
    return form


def _person(name: str, email: str, initials: str) -> dict[str, Any]:
    return {"name": name, "email": email, "initials": initials, "photo": None, "email_verified": True}


def _buttons(language: str) -> list[ProviderButton]:
    """Every provider there can be, whichever are configured; the first was used last."""
    names = [*ORDER[language], "acme"]
    return [ProviderButton(name, provider_title(name), name == names[0], opens_outside=False) for name in names]


def _ways() -> list[WayOut]:
    """Out of an app that can be left by a link, and out of one that cannot."""
    address = "https://id.example.com/login?interaction=a1b2c3"
    return [WayOut(_("KakaoTalk"), address, f"{address}#"), WayOut(_("Instagram"), address, None)]


def _asking() -> AskingApplication:
    """An application of somebody else's, with letters for a mark."""
    return AskingApplication("board", "Board of Ideas", "B", 8, None, "board.example.com", is_first_party=False)

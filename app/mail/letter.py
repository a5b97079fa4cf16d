"""A mail as its recipient reads it: the words of one template, set in the frames for text and for HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, g
from flask_babel import force_locale
from jinja2 import Template

from app.languages import DEFAULT, gettext, lazy_gettext, moment_text, supported
from app.services.foundation.texts import one_line
from app.services.sessions.user_agents import device_name
from app.web.providers import provider_title

NAMES = frozenset(
    {
        "account_deleted",
        "account_disabled",
        "account_displaced",
        "account_enabled",
        "account_seen",
        "change_email",
        "deletion_cancelled",
        "deletion_requested",
        "email_changed",
        "email_code",
        "email_taken",
        "identity_ended",
        "identity_linked",
        "identity_unlinked",
        "invitation",
        "new_device",
        "password_changed",
        "password_set",
        "primary_group_changed",
        "reset_password",
        "role_changed",
        "sessions_ended",
        "test_mail",
        "verify_email",
    }
)
"""Every mail there is: ``templates/mail/<name>.txt``, whose blocks hold its words."""
BLOCKS = ("subject", "lead", "action", "unexpected")
FACTS = (("at", lazy_gettext("Time")), ("device", lazy_gettext("Device")), ("place", lazy_gettext("IP address")))
# Mail programs turn what looks like an address into a link, and anybody may register under any name with any address.
ADDRESS_LIKE = re.compile(r"\w\.\w\w|[/@\\]")
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Letter:
    """What is read; ``subject`` is one line."""

    subject: str
    text: str
    html: str


def write_letter(template: str, to: str, language: str, values: Mapping[str, Any]) -> Letter:
    """Render a mail in a language of ours and the zone ``values["timezone"]``; raises KeyError for an unknown one.

    Needs an application context and takes one of its own, since language and zone hold for all of it.
    """
    if template not in NAMES:
        raise KeyError(template)
    with current_app.app_context():
        g.person_timezone = values.get("timezone")
        tag = supported(language) or DEFAULT
        with force_locale(tag):
            return _rendered(template, to, tag, {name: _shown(name, value) for name, value in values.items()})


def _rendered(name: str, to: str, language: str, values: dict[str, Any]) -> Letter:
    environment, settings = current_app.jinja_env, current_app.extensions["services"].settings
    given = {"name": "", "link": "", "code": "", **values, "to": to, "lang": language, "portal": settings.issuer}
    words = _words(environment.get_template(f"mail/{name}.txt"), given)
    given |= words
    given["facts"] = [(str(label), values[key]) for key, label in FACTS if values.get(key)]
    return Letter(
        subject=" ".join(words["subject"].split()),
        text=re.sub(r"\n{3,}", "\n\n", environment.get_template("mail/frame.txt").render(given)),
        html=environment.get_template("mail/frame.html").render(given),
    )


def _words(template: Template, given: dict[str, Any]) -> dict[str, str]:
    """The blocks of a template, as plain text; one it does not have is empty."""
    context = template.new_context(given)
    return {name: "".join(template.blocks[name](context)).strip() if name in template.blocks else "" for name in BLOCKS}


def _shown(name: str, value: Any) -> Any:
    """A queued value as it is read; nothing of it starts a line or hides what stands beside it."""
    if isinstance(value, dict):
        return moment_text(datetime.fromisoformat(value["at"]))
    if not isinstance(value, str):
        return value
    plain = one_line(value)
    if name == "name":
        return "" if ADDRESS_LIKE.search(plain) or len(plain) > LONGEST_NAME else plain
    if name == "provider":
        return provider_title(plain)
    return gettext(device_name(plain)) if name == "device" and plain else plain

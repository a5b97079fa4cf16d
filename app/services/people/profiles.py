"""Profiles: what people say about themselves, and the rules for it."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidFields, InvalidInput, NotFound, sentence
from app.models import User
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.pictures import address, own_path
from app.services.foundation.texts import MOST_TYPED, one_line, some_lines
from app.services.photos.photos import Photos
from app.services.record.audit import Audit, Event

LANGUAGES = ("ko", "en")
LONGEST_NAME, LONGEST_USERNAME, LONGEST_BIO, LONGEST_ADDRESS = 200, 40, 1000, 2000
USERNAME = re.compile(r"[a-z0-9가-힣](?:[a-z0-9가-힣._-]*[a-z0-9가-힣])?")
# Who is called so could pass for the platform itself.
RESERVED = frozenset(
    {
        *("abuse", "admin", "administrator", "helpdesk", "hostmaster", "max", "maxplatform", "moderator", "noreply"),
        *("operator", "postmaster", "root", "security", "staff", "superuser", "support", "sysadmin", "system"),
        *("webmaster", "고객센터", "관리자", "운영자"),
    }
)
UNNAMED = "user"
"""What a given username begins with where the e-mail makes none."""
TAKEN = sentence("Somebody else has this username. Choose another one.")
_user = cast(sa.Table, User.__table__)


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as they describe themselves, and what the account page says beside it.

    ``avatar_url`` is where applications find the picture; ``photo`` the path below which the portal serves one that was
    uploaded.
    """

    id: str
    email: str
    email_verified: bool
    full_name: str
    username: str
    avatar_url: str | None
    bio: str
    locale: str
    timezone: str
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    password_changed_at: datetime | None
    deletion_requested_at: datetime | None
    deletes_at: datetime | None
    photo: str | None = None


_COLUMNS = [_user.c[field.name] for field in fields(Profile) if field.name != "photo"]


class Profiles:
    """Reads and changes profiles."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, photos: Photos, issuer: str) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.photos = photos
        self.issuer = issuer

    def get(self, user_id: str) -> Profile:
        """The profile of a person; raises :class:`NotFound`."""
        row = self.db.session.execute(sa.select(*_COLUMNS).where(_user.c.id == user_id)).first()
        if row is None:
            raise NotFound
        return replace(Profile(*row), avatar_url=address(row.avatar_url, self.issuer), photo=own_path(row.avatar_url))

    def update(self, user_id: str, changes: Mapping[str, str], caller: Caller) -> Profile:
        """Change what ``changes`` names (:data:`RULES` has the names) and answer the profile as it is then.

        Raises :class:`InvalidFields` with a sentence for every value that cannot be used; nothing is changed then. What
        stays as it is keeps to no rule: names given by the portal itself may be older than the rules. Another picture,
        or none, takes the place of a photo that was uploaded.
        """
        profile = self.get(user_id)
        values = _accepted(profile, changes)
        if not values:
            return profile
        if "username" in values and self._is_taken(values["username"], user_id):
            raise InvalidFields({"username": TAKEN})
        try:
            with self.db.session.begin_nested():
                self.db.session.execute(
                    sa.update(_user).where(_user.c.id == user_id).values(updated_at=self.clock(), **values)
                )
        except IntegrityError:
            raise InvalidFields({"username": TAKEN}) from None
        if "avatar_url" in values:
            self.photos.drop(user_id)
        self.audit.record(Event.PROFILE_CHANGED, caller, user_id=user_id, fields=" ".join(sorted(values)))
        return self.get(user_id)

    def _is_taken(self, username: str, user_id: str) -> bool:
        query = sa.select(_user.c.id).where(_user.c.username == username, _user.c.id != user_id)
        return self.db.session.execute(query).first() is not None


@cache
def timezones() -> tuple[str, ...]:
    """The time zones to choose from: places by name, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return ("UTC", *sorted(places))


def require_name(value: str) -> str:
    """A full name on one line; may be left empty, but one that shows nothing is none."""
    name = one_line(value[:MOST_TYPED])
    if value and not name:
        raise InvalidInput(sentence("Enter your name."), "full_name")
    if len(value) > MOST_TYPED or len(name) > LONGEST_NAME:
        raise InvalidInput(sentence("This name is too long."), "full_name")
    return name


def require_username(value: str) -> str:
    """A username in lower case: Latin or Hangul letters and digits, with dots, dashes and underscores between them."""
    name = unicodedata.normalize("NFKC", one_line(value[:MOST_TYPED])).lower()
    if not 3 <= len(name) <= LONGEST_USERNAME:
        raise InvalidInput(sentence("A username has 3 to 40 characters."), "username")
    if not USERNAME.fullmatch(name):
        raise InvalidInput(
            sentence("Use Latin or Korean letters and digits, with dots, dashes or underscores between them."),
            "username",
        )
    if is_reserved(name):
        raise InvalidInput(TAKEN, "username")
    return name


def is_reserved(name: str) -> bool:
    """Whether a username could pass for the platform itself, however it is broken up."""
    return re.sub(r"[._-]", "", name) in RESERVED


def given_username(email: str) -> str | None:
    """The username an e-mail's local part makes by the rules of chosen ones, or None where it makes none.

    What holds a letter of another script makes none: without that letter, or with it, it could look like another name.
    """
    local = unicodedata.normalize("NFKC", email.split("@")[0]).lower()
    if not all(USERNAME.fullmatch(letter) for letter in local if letter.isalnum()):
        return None
    kept = "".join(letter for letter in local if letter.isalnum() or letter in "._-")
    name = kept.strip("._-")[:LONGEST_USERNAME].rstrip("._-")
    return name if len(name) >= 3 and not is_reserved(name) else None


def require_picture(value: str) -> str | None:
    """The https address of a picture, or None for an empty value."""
    address = value.strip()
    if not address:
        return None
    if len(address) > LONGEST_ADDRESS:
        raise InvalidInput(sentence("This address is too long."), "avatar_url")
    if not _is_https(address):
        raise InvalidInput(sentence("Give the address of a picture that begins with https://."), "avatar_url")
    return address


def require_bio(value: str) -> str:
    """A few lines of text."""
    text = some_lines(value[:MOST_TYPED])
    if len(value) > MOST_TYPED or len(text) > LONGEST_BIO:
        raise InvalidInput(sentence("Use at most 1000 characters."), "bio")
    return text


def require_language(value: str) -> str:
    """One of :data:`LANGUAGES`."""
    if value not in LANGUAGES:
        raise InvalidInput(sentence("Choose one of the languages."), "locale")
    return value


def require_timezone(value: str) -> str:
    """One of :func:`timezones`, in any case of letters; answered as it is written there."""
    name = next((zone for zone in timezones() if zone.lower() == value.strip().lower()), None)
    if name is None:
        raise InvalidInput(sentence("Choose a time zone from the list, such as Asia/Seoul."), "timezone")
    return name


RULES: Mapping[str, Callable[[str], str | None]] = {
    "full_name": require_name,
    "username": require_username,
    "avatar_url": require_picture,
    "bio": require_bio,
    "locale": require_language,
    "timezone": require_timezone,
}
"""What a person may change, by column; each rule answers the value to keep or raises :class:`InvalidInput`."""


def _accepted(profile: Profile, changes: Mapping[str, str]) -> dict[str, Any]:
    """The new values; raises :class:`InvalidFields` for all that cannot be used."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, rule in RULES.items():
        present = getattr(profile, name)
        if name not in changes or changes[name] == (present or ""):
            continue
        try:
            value = rule(changes[name])
        except InvalidInput as refusal:
            problems[name] = refusal.message
            continue
        if value != present:
            values[name] = value
    if problems:
        raise InvalidFields(problems)
    return values


def _is_https(address: str) -> bool:
    """Whether ``address`` is an https URL of visible ASCII without credentials."""
    if not re.fullmatch(r"https://[!-~]+", address) or any(sign in address for sign in "<>\"'\\`"):
        return False
    try:
        parts = urlsplit(address)
        has_valid_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc and has_valid_port

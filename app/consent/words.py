"""What would be handed over, in words: the claims of each scope, as applications are answered with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.errors import sentence
from app.languages import current_language, moment_text
from app.languages import gettext as _
from app.languages.timezones import label
from app.services.tokens.claims import OF_ACCESS_TOKENS, Subject, covered_by, for_access_token
from app.wiring import services

LANGUAGES = {"ko": "한국어", "en": "English"}
NAMES = {
    "sub": sentence("Account number"),
    "name": sentence("Name"),
    "preferred_username": sentence("Username"),
    "picture": sentence("Picture"),
    "email": sentence("E-mail"),
    "locale": sentence("Language"),
    "zoneinfo": sentence("Time zone"),
    "role_name": sentence("Role"),
    "group_name": sentence("Primary group"),
    "subscription_plan": sentence("Plan"),
    "is_admin": sentence("Administrator"),
    "permissions": sentence("What the role permits"),
    "groups": sentence("Groups"),
    "workspaces": sentence("Workspaces"),
    "updated_at": sentence("Profile last changed"),
}
"""Claims as people call them, in the order they are shown."""
FEW = 4
AT_A_GLANCE = ("name", "preferred_username", "picture", "email", "locale", "zoneinfo", "role_name", "subscription_plan")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a person: the claim, what people call it, and what it says."""

    claim: str
    words: str
    values: tuple[str, ...]
    is_unproven: bool = False

    @property
    def at_a_glance(self) -> tuple[str, ...]:
        """What is said of it in a line: the city of a zone, the first of many."""
        return tuple(value.partition(" (")[0] if self.claim == "zoneinfo" else value for value in self.values[:FEW])

    @property
    def more(self) -> int:
        """How many are left then."""
        return max(0, len(self.values) - FEW)

    @property
    def is_at_a_glance(self) -> bool:
        """Whether it is among what is said in one line."""
        return self.claim in (*AT_A_GLANCE, "groups", "workspaces")


def facts(claims: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What ``claims`` say of a person; nothing of what was not filled in."""
    return tuple(
        Fact(name, _(words), _values(name, claims[name]), name == "email" and claims.get("email_verified") is False)
        for name, words in NAMES.items()
        if claims.get(name)
    )


def told_to_everybody(subject: Subject, scopes: tuple[str, ...]) -> dict[str, Any]:
    """What access tokens say of a person beyond ``scopes``, where the operator has them say it to every application."""
    if not services.tokens.has_all_claims:
        return {}
    said, covered = for_access_token(subject, (), is_whole=True), covered_by(scopes)
    return {name: said[name] for name in OF_ACCESS_TOKENS if name not in covered}


def _values(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(value)
    if name == "locale":
        return (LANGUAGES.get(value, value),)
    if name == "zoneinfo":
        return (label(value, current_language(), services.clock()),)
    if name == "is_admin":
        return (_("Yes"),)
    if name == "updated_at":
        return (moment_text(datetime.fromtimestamp(value, UTC)),)
    return (str(value),)

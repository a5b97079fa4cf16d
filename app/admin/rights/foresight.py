"""What a change of roles, groups or memberships would do, as pages show it before it is made."""

from dataclasses import dataclass

from flask_login import current_user

from app.languages import current_language
from app.services.people.standing import Preview
from app.services.tenancy.changes import Change
from app.services.tenancy.permissions import DeclaredPermission
from app.services.tenancy.tenancy import MOST_AT_ONCE
from app.wiring import services


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What it would do, and why it may still not be made here.

    It ``is_beyond`` what the administrator who is here may change; it ``is_long``, so that the command does it.
    """

    preview: Preview
    moves: bool
    is_beyond: bool
    is_long: bool

    @property
    def can_be_made(self) -> bool:
        """Whether it can be made here."""
        return not self.is_beyond and not self.is_long


def foresee(change: Change) -> Foreseen:
    """What ``change`` would do; raises :class:`app.errors.InvalidInput` as making it would."""
    world = services.tenancy.world()
    preview = services.standing.preview(change, world)
    is_beyond = not current_user.powers.is_full and services.tenancy.concerns_administrators(world, change)
    return Foreseen(preview, change.moves, is_beyond, change.moves and preview.effects.people > MOST_AT_ONCE)


def sentences() -> dict[str, str]:
    """What each declared permission allows, by name, in the language shown."""
    return {each.name: sentence_of(each) for each in services.permissions.all()}


def sentence_of(permission: DeclaredPermission) -> str:
    """What a permission allows, in the language shown."""
    return permission.sentence_ko if current_language() == "ko" else permission.sentence_en

"""What the address of a list asks for: filters stand in it by name, so that a list can be kept and passed on."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from flask_login import current_user

from app.admin.pages import asked
from app.errors import InvalidInput, NotFound, sentence
from app.services.foundation.pages import Count, Page
from app.services.foundation.powers import USERS
from app.wiring import services

YES_NO = {"yes": True, "no": False}
PAGE = 50
NOBODY_OF_ADDRESS = sentence("No account has this e-mail address.")
IDS_ONLY = sentence("Type an ID here: e-mail addresses are for administrators of people.")


class Filters(Mapping[str, str | None]):
    """By name, what the address says; None where it says nothing, or what none of the choices is."""

    def __init__(self, **choices: Collection[str] | None) -> None:
        self.values_by_name = {name: _chosen(asked(name), allowed) for name, allowed in choices.items()}

    def __getitem__(self, name: str) -> str | None:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    @property
    def are_any(self) -> bool:
        """Whether less than everything is asked for."""
        return any(self.values_by_name.values())

    def said(self, name: str) -> bool | None:
        """What a filter of yes and no says."""
        return YES_NO.get(self[name] or "")


def _chosen(value: str | None, allowed: Collection[str] | None) -> str | None:
    return value if allowed is None or value in allowed else None


def counted(page: Page[Any], count: Callable[[], Count]) -> Count:
    """How many rows there are; nobody is asked where all of them stand on the page."""
    return count() if page.next or page.previous else Count(len(page.items), is_more=False)


def person_id(text: str) -> str:
    """The id of an account, also of one that is gone; by its e-mail address for who may see those.

    Raises :class:`InvalidInput` for an address that is nobody's, and for whoever may not see addresses.
    """
    if "@" not in text:
        return text
    if not current_user.powers.cover(USERS):
        raise InvalidInput(IDS_ONLY)
    try:
        return services.accounts.find(text).id
    except NotFound:
        raise InvalidInput(NOBODY_OF_ADDRESS) from None

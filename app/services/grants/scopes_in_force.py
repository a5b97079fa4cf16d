"""What of a grant's scopes still counts, asked whenever it is used: nothing that was taken away since comes back."""

from typing import Any

from app.services.clients.scopes import in_force, listed, split


def scopes_in_force(scope: str | None, allowed: tuple[str, ...], row: Any) -> tuple[str, ...]:
    """Of ``scope``, what its client is ``allowed``, the person can hand on and the consent, if any, covers now.

    ``row`` has the ``permissions`` of the person, and what is ``consented`` as JSON text.
    """
    consented = None if row.consented is None else listed(row.consented)
    return in_force(split(scope), allowed, tuple(row.permissions or ()), consented)


def is_renewable(granted: str, scopes: tuple[str, ...], *, is_first_party: bool) -> bool:
    """Whether a refresh token is still good for what was ``granted``, of which ``scopes`` still count.

    Not without the ``offline_access`` that it was given for (Core section 11).
    """
    had = split(granted)
    was_for_it = not is_first_party and "openid" in had and "offline_access" in had
    return bool(scopes) and (not was_for_it or "offline_access" in scopes)

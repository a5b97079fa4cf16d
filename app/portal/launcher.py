"""The launcher: the applications there are, and for somebody logged in which were used last and what is still open."""

from dataclasses import dataclass

from flask import render_template, url_for
from flask_login import current_user

from app.languages import gettext as _
from app.portal.routes import bp
from app.services.people.profiles import Profile
from app.web.presentation import Tile, tile
from app.wiring import services

ROW = 4
"""Tiles beside each other on a desk: so many lately used ones at most, and no section of them among fewer tiles."""


@dataclass(frozen=True)
class OpenPoint:
    """Something about the account that waits for the person, and the way on."""

    text: str
    label: str
    href: str


@bp.get("/")
def home() -> str:
    """The launcher."""
    tiles = [tile(client) for client in services.clients.all(listed=True)]
    if not current_user.is_authenticated:
        return render_template("portal/home.html", recent=[], tiles=tiles, open_points=[], deletes_at=None)
    profile = services.profiles.get(current_user.id)
    recent, rest = _by_use(tiles, current_user.id)
    return render_template(
        "portal/home.html",
        recent=recent,
        tiles=rest,
        open_points=_open_points(profile),
        deletes_at=profile.deletes_at,
    )


def _by_use(tiles: list[Tile], user_id: str) -> tuple[list[Tile], list[Tile]]:
    """The tiles used lately that deserve a section of their own, and the others in their order.

    Of so few that they are one row, none needs to be looked for: those used lately only come first.
    """
    by_id = {each.client_id: each for each in tiles}
    # What is not on the launcher, the playground for one, takes no tile's place.
    used = services.connected_apps.lately_used(user_id, ROW, among=list(by_id))
    recent = [by_id[client_id] for client_id in used]
    rest = [each for each in tiles if each not in recent]
    return (recent, rest) if len(tiles) > ROW else ([], recent + rest)


def _open_points(profile: Profile) -> list[OpenPoint]:
    points = []
    if not profile.email_verified and services.mail.is_possible:
        points.append(
            OpenPoint(_("Your e-mail address is not verified yet."), _("Verify the address"), url_for("login.verify"))
        )
    if not profile.full_name:
        points.append(
            OpenPoint(
                _("Your name is missing. Applications show your username instead."),
                _("Add your name"),
                url_for("account.profile"),
            )
        )
    return points

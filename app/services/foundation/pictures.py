"""How a person's picture is named: kept as the path of an uploaded photo, or as an address of another host.

``users.avatar_url`` holds either: ``/photos/<id>`` for a photo the portal serves itself, in several sizes below that
path, or an ``https`` address. What begins with a slash is the portal's own; no address of a person's can.
"""

ROOM = "/photos/"
SIZES = (64, 192, 512)
"""Pixels of each side."""


def path_of(photo_id: str) -> str:
    """What is kept of an uploaded photo."""
    return f"{ROOM}{photo_id}"


def own_path(kept: str | None) -> str | None:
    """The path below which the portal serves the photo; None where there is none of its own."""
    return kept if kept and kept.startswith(ROOM) else None


def photo_id(kept: str | None) -> str | None:
    """The id of the photo."""
    path = own_path(kept)
    return path.removeprefix(ROOM) if path else None


def address(kept: str | None, issuer: str) -> str | None:
    """Where applications find the picture, as the ``picture`` claim says it: the largest size of a photo."""
    path = own_path(kept)
    return f"{issuer}{path}/{SIZES[-1]}.jpg" if path else kept or None

"""People: finding them, one of them, what an administrator does for them. For ``admin:users``."""

from app.admin.people import access, acting, details, memberships, newcomers, person, timeline
from app.admin.people.listing import people_desk

PARTS = (newcomers, person, details, access, timeline, memberships, acting)
DESKS = (people_desk,)

"""People: finding them, one of them, what an administrator does for them. For ``admin:users``."""

from app.admin.people import memberships, person
from app.admin.people.listing import people_desk

PARTS = (memberships, person)
DESKS = (people_desk,)

"""People: finding them, one of them, what an administrator does for them. For ``admin:users``."""

from app.admin.people import acting, memberships, person
from app.admin.people.listing import people_desk

PARTS = (acting, memberships, person)
DESKS = (people_desk,)

"""People: finding them, one of them, what an administrator does for them. For ``admin:users``."""

from app.admin.people import access, acting, beside, details, files, memberships, newcomers, person, tasks, timeline
from app.admin.people.listing import people_desk

PARTS = (newcomers, person, beside, details, access, timeline, memberships, acting, tasks, files)
DESKS = (people_desk,)

"""Groups, who is in them, roles, permissions (``admin:users``), plans (``admin:system``), scopes (``admin:clients``).

What a change would do is seen before it is made, by the same services that make it.
"""

from app.admin.rights import members, permissions
from app.admin.rights.groups import groups_desk
from app.admin.rights.plans import plans_desk
from app.admin.rights.roles import roles_desk
from app.admin.rights.scopes import scopes_desk

PARTS = (members, permissions)
DESKS = (groups_desk, roles_desk, plans_desk, scopes_desk)

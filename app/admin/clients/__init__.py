"""Applications, and what is registered about them. For ``admin:clients``."""

from app.admin.clients import changing, client, ends, secrets
from app.admin.clients.addresses import addresses_desk
from app.admin.clients.health import health_desk
from app.admin.clients.listing import clients_desk
from app.admin.clients.newcomers import new_client_desk
from app.admin.clients.preview import preview_desk
from app.admin.clients.trial import trial_desk

PARTS = (client, changing, secrets, ends)
DESKS = (clients_desk, addresses_desk, new_client_desk, health_desk, preview_desk, trial_desk)

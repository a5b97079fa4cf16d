"""Applications, and what is registered about them. For ``admin:clients``."""

from app.admin.clients import client as client
from app.admin.clients.addresses import addresses_desk
from app.admin.clients.listing import clients_desk

DESKS = (clients_desk, addresses_desk)

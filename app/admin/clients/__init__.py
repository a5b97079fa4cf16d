"""Applications, and what is registered about them. For ``admin:clients``."""

from app.admin.clients.addresses import addresses_desk

DESKS = (addresses_desk,)

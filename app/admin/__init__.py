"""What administrators see and decide about the platform. Nobody else comes in: ``app.admin.pages`` asks at one door.

GET|POST /admin/clients/<client_id>/redirect-uris/new             register an address that a request came with; ?uri=…
GET|POST /admin/clients/<client_id>/redirect-uris/registered      it is registered; take it back again
GET|POST /admin/clients/<client_id>/post-logout-redirect-uris/…   the same for where a logout leads

Every page is shown to who is logged in as an administrator, and asks for a proof once more if the last one is a while
ago (``@fresh_login_required``). What it changes is done by :func:`app.admin.pages.acting`, which asks the database.
"""

from flask import Flask

from app.admin import addresses
from app.admin.pages import bp

PARTS = (addresses,)


def register(app: Flask) -> None:
    """Mount the pages."""
    app.register_blueprint(bp)

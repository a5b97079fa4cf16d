"""The portal's own pages.

GET  /                       the launcher
GET  /developers             integration of each registered client
GET  /playground             the browser kit live against this server; /playground/callback is its redirect URI
                             (both for whom DEVELOPER_PAGES names)
GET  /terms  /privacy
GET  /errors/<topic>         what an error of the token endpoint means (error_uri); with an id, why it was given
POST /language  /theme       how pages are shown, kept in a cookie
GET  /health  /ready         alive; able to serve
GET  /dev/parts              every part of pages in every state, in development only
GET  /photos/<id>/<size>.jpg photos of people, for pages and applications
GET  /.well-known/audit-keys.json  /.well-known/audit-checkpoints.json    what proves the audit trail
GET  /static/sdk/<version>/  the browser kit under addresses that never change
"""

from flask import Flask

from app.portal import audit_documents, launcher
from app.portal.developers import bp as for_developers
from app.portal.gallery import bp as gallery
from app.portal.health import bp as health
from app.portal.photos import bp as photos
from app.portal.refusals import bp as refusals
from app.portal.routes import THEME_COOKIE, bp, describe_page

__all__ = ["THEME_COOKIE", "launcher", "register"]


def register(app: Flask) -> None:
    """Mount the pages and what every template may use."""
    app.register_blueprint(bp)
    app.register_blueprint(for_developers)
    app.register_blueprint(gallery)
    app.register_blueprint(health)
    app.register_blueprint(photos)
    app.register_blueprint(refusals)
    audit_documents.register(app)
    app.context_processor(describe_page)

"""The authorization server's endpoints, and all that knows Authlib.

    GET|POST /api/oauth/authorize            validate, ask next_step, answer or hand over to a page
    GET      /api/oauth/authorize/resume     where login, account choice and consent return to
    POST     /api/oauth/token                authorization_code, refresh_token, client_credentials
    GET|POST /api/oauth/userinfo             claims of a bearer token
    POST     /api/oauth/revoke               RFC 7009
    POST     /api/oauth/introspect           RFC 7662
    POST     /api/oauth/token/validate       JSON yes or no for the platform's backends
    GET|POST /api/oauth/logout               OpenID Connect RP-Initiated Logout
    GET      /api/oauth/logout/resume        goes on with a logout that came as a form from another site
    POST     /api/oauth/logout/confirm       the person's answer to the question whether to log out

All of them answer under /oauth as well. Metadata and keys are at /.well-known/. Depends on the services and,
for what a browser carries, on ``app.web.sessions`` and ``app.web.security``; it draws three small pages of its own.
"""

from flask import Flask

from app.oauth.metadata import well_known
from app.oauth.routes import bp
from app.oauth.server import PortalAuthorizationServer
from app.web.protocol.paths import PREFIXES


def register(app: Flask) -> None:
    """Mount the endpoints under both prefixes."""
    app.extensions["authorization_server"] = PortalAuthorizationServer()
    documented, compatible = PREFIXES
    app.register_blueprint(bp, url_prefix=documented)
    app.register_blueprint(bp, url_prefix=compatible, name="oauth_compatible")
    app.register_blueprint(well_known)

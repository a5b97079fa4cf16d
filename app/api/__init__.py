"""The portal's own API: accounts, sessions and tokens for first-party front ends, in JSON.

    POST   /api/v1/auth/register                  make an account and log in
    POST   /api/v1/auth/login                     log in: an access token, and the refresh token in a cookie
    POST   /api/v1/auth/refresh                   a new access token for the cookie, which is rotated
    POST   /api/v1/auth/logout                    end this session, or all
    POST   /api/v1/auth/logout/all                end all sessions and tokens of the person
    GET    /api/v1/auth/me, /api/v1/users/me      the person
    PUT    /api/v1/auth/profile                   change what people may change of themselves
    PUT    /api/v1/auth/photo                     a picture of the person; DELETE removes it
    GET    /api/v1/auth/sessions                  the person's open sessions, a page at a time
    DELETE /api/v1/auth/sessions/<session_id>     end one
    POST   /api/v1/auth/verify-email              use a mailed link's token; /resend mails another
    POST   /api/v1/auth/change-email              mail a link to a new address
    POST   /api/v1/auth/change-password           a new password for the old one
    POST   /api/v1/auth/forgot-password           mail a link; /reset-password uses its token
    GET    /api/v1/auth/identities                by which providers the person logs in
    POST   /api/v1/auth/link/<provider>           an address that links one more
    DELETE /api/v1/auth/unlink/<provider>         end such a link
    GET    /api/v1/quota                          what is left of a person's month (:mod:`app.api.plans`)
    GET    /api/openapi.json                      all of it, and :mod:`app.api.service`, as OpenAPI 3.1

All below /api/v1/auth answer under /api/auth as well. Each route is an :class:`app.api.operations.Operation`, from
which its checks, its answers and its part of the document are made. Depends on the services, ``app.web.sessions`` and
``app.web.security``.
"""

import json
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, current_app, request

from app.api import accounts, identities, login, service, sessions
from app.api.document import document
from app.api.operations import Operation, blueprint
from app.api.plans import billing, quota
from app.wiring import services

AUTH, USERS, QUOTA, BILLING = "/api/v1/auth", "/api/v1/users", "/api/v1/quota", "/api/v1/billing"
COMPATIBLE = "/api/auth"
OPERATIONS = tuple(each for room in (login, accounts, identities, sessions) for each in room.routes.operations)
OF_USERS = tuple(each for each in OPERATIONS if each.path == "/me")
DOCUMENT = "openapi_document"
root = Blueprint("api_document", __name__)


def register(app: Flask) -> None:
    """Mount the routes under both prefixes, and the document."""
    app.register_blueprint(blueprint("api", OPERATIONS), url_prefix=AUTH)
    app.register_blueprint(blueprint("api_compatible", OPERATIONS), url_prefix=COMPATIBLE)
    app.register_blueprint(blueprint("api_users", OF_USERS), url_prefix=USERS)
    app.register_blueprint(blueprint("quota", quota.routes.operations), url_prefix=QUOTA)
    app.register_blueprint(billing.bp, url_prefix=BILLING)
    app.register_blueprint(blueprint("service", service.OPERATIONS), url_prefix=service.PREFIX)
    app.register_blueprint(root)


@root.get("/api/openapi.json")
def openapi() -> Response:
    """The document; the same until the portal is started anew."""
    kept = current_app.extensions
    if DOCUMENT not in kept:
        described = documented(services.settings.providers.names)
        kept[DOCUMENT] = json.dumps(document(services.settings, described), indent=1)
    response = Response(kept[DOCUMENT], mimetype="application/json")
    response.cache_control.max_age = 300
    response.add_etag()
    response.make_conditional(request)
    return response


def documented(providers: Sequence[str]) -> list[tuple[str, Operation]]:
    """The operations with their canonical prefix; where there are ``providers``, with the addresses of those."""
    pages = identities.pages.operations if providers else []
    of_people = {AUTH: (*OPERATIONS, *pages), USERS: OF_USERS, QUOTA: quota.routes.operations}
    mounted = {**of_people, service.PREFIX: service.OPERATIONS}
    return [(prefix, each) for prefix, operations in mounted.items() for each in operations]

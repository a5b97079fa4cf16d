"""From whose pages a request may come, and whose scripts may read the answer (RFC 9700 section 2.6).

Pages and ``/authorize`` are read by no script of another origin, wherever they stand. The protocol's endpoints for
browsers answer the origins of registered redirect URIs, also where scripts send credentials along: no cookie is read
there, so a request says who it comes from by what stands in it, or by nothing. The API answers the same origins where a
bearer token alone counts, and where cookies count only those the operator named. Public documents are everybody's.
"""

import logging
import re
from collections.abc import Callable
from typing import TypeVar

from flask import Response, current_app, g, request

from app.errors import ForeignOrigin
from app.web.protocol.paths import within_protocol
from app.wiring import services

logger = logging.getLogger("portal.web")
FOR_BROWSERS = frozenset({"token", "revoke", "userinfo"})
"""Of the protocol. What answers there must not read a cookie."""
FORM_OF_PROTOCOL = "logout/confirm"
OF_THE_API = re.compile(r"/api/(v1|auth)/")
READABLE_BY_ALL = re.compile(r"/(api/oauth/)?\.well-known/|/static/sdk/|/photos/|/api/openapi\.json\Z")
VARIES = ("Vary", "Origin")
"""Stands on every answer there, for it may be kept and given to another origin."""
EXPOSED = "WWW-Authenticate, Retry-After, X-Request-ID"
LIMITS = "RateLimit"
PREFLIGHT_SECONDS = "600"
USUAL_HEADERS = ("Authorization", "Content-Type")
ANY_HEADER = ("*", "Authorization")
"""The wildcard leaves out Authorization (Fetch Standard section 4.9), and old browsers know none."""
LONGEST_LIST = 1024
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
HEADER_NAMES = re.compile(rf"{_NAME}(?:[ \t]*,[ \t]*{_NAME})*\Z")
View = TypeVar("View", bound=Callable[..., object])
_BEARER_ONLY = "takes_bearer_only"
_FOR_BROWSERS = "is_for_browsers"


def takes_bearer_only(view: View) -> View:
    """Mark a view of the API that no cookie opens: scripts of clients' origins may call it."""
    setattr(view, _BEARER_ONLY, True)
    return view


def for_browsers(view: View) -> View:
    """Mark a view that browsers are led to though it stands among the API's: a page, which no script may read."""
    setattr(view, _FOR_BROWSERS, True)
    return view


def is_page_of_api() -> bool:
    """Whether the request is for such a view."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), _FOR_BROWSERS)


def reads_no_cookie() -> bool:
    """Whether the request is one that scripts of other origins may send with credentials."""
    return within_protocol(request.path) in FOR_BROWSERS


def is_protocol_path() -> bool:
    """Whether the protocol's rules of origins hold, and not those of pages and the API."""
    return within_protocol(request.path) is not None


def is_preflight() -> bool:
    """Whether a browser asks first if a script may send a request (Fetch Standard section 3.2.2).

    A script learns nothing of a refused preflight, so whatever speaks against the request is said when it comes.
    """
    return request.method == "OPTIONS" and "HTTP_ORIGIN" in request.environ and _is_for_scripts()


def require_known() -> None:
    """Refuse what changes something when a page sent it that has no business there; the protocol has rules of its own.

    Pages take forms from the portal's own pages, and from those that hide where they are, for forms carry a token. The
    API takes what cookies or a password prove from the portal's own origin and those the operator named; what a bearer
    token proves also from the origins of clients.
    """
    is_form = within_protocol(request.path) == FORM_OF_PROTOCOL
    if request.method in {"GET", "HEAD", "OPTIONS"} or (is_protocol_path() and not is_form):
        return
    if request.endpoint is None and _is_for_scripts():
        return  # there is nothing that would do it, and its answer says so
    is_api = request.path.startswith("/api/") and not is_form
    origin = request.headers.get("Origin")
    if not (_may_call_api(origin) if is_api else _may_send_form(origin)):
        raise ForeignOrigin


def add_headers(response: Response) -> None:
    """Let scripts read the answer whose business it is, whatever it says: refusals and outages are answers too."""
    path = request.path
    if READABLE_BY_ALL.match(path):
        response.headers["Access-Control-Allow-Origin"] = "*"
        if is_preflight():
            _allow(response, ANY_HEADER)
    elif reads_no_cookie() or (OF_THE_API.match(path) and not is_page_of_api()):
        response.headers.add(*VARIES)
        if origin := request.headers.get("Origin"):
            _add_for(response, origin)


def _is_for_scripts() -> bool:
    if is_page_of_api():
        return False
    return reads_no_cookie() or any(each.match(request.path) for each in (OF_THE_API, READABLE_BY_ALL))


def _may_send_form(origin: str | None) -> bool:
    return not origin or origin in {"null", services.settings.issuer, request.host_url.rstrip("/")}


def _may_call_api(origin: str | None) -> bool:
    if _is_bearer_only():
        return origin is None or origin == services.settings.issuer or _is_known(origin)
    if origin is None:
        # Old browsers leave Origin out of forms; those that say where a request comes from are believed.
        return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
    return origin == services.settings.issuer or _is_of_operator(origin)


def _is_bearer_only() -> bool:
    return hasattr(current_app.view_functions.get(request.endpoint or ""), _BEARER_ONLY)


def _is_of_operator(origin: str) -> bool:
    return origin in services.settings.limits.cors_origins


def _is_known(origin: str) -> bool:
    return _is_of_operator(origin) or origin in services.clients.browser_origins()


def _add_for(response: Response, origin: str) -> None:
    is_of_protocol, is_of_operator = reads_no_cookie(), _is_of_operator(origin)
    if not is_of_operator:
        counts_cookies = not is_of_protocol and request.endpoint is not None and not _is_bearer_only()
        if counts_cookies or origin not in _origins_of_clients():
            return
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = origin
    if is_of_protocol or is_of_operator:
        headers["Access-Control-Allow-Credentials"] = "true"
    headers["Access-Control-Expose-Headers"] = f"{EXPOSED}, {LIMITS}, {LIMITS}-Policy" if LIMITS in headers else EXPOSED
    if is_preflight():
        _allow(response, USUAL_HEADERS)


def _origins_of_clients() -> frozenset[str]:
    """Those of registered redirect URIs; while the database does not answer, the ones that were known last."""
    if "names_nobody" in g:  # it has just been asked in vain
        return services.clients.known_origins
    try:
        return services.clients.browser_origins()
    except Exception:
        # The answer is there already, and goes out whatever the database says.
        logger.warning("origins_unavailable", exc_info=True)
        services.db.rollback()
        return services.clients.known_origins


def _allow(response: Response, usual: tuple[str, ...]) -> None:
    """Answer a preflight: the ``usual`` headers may be sent, and those the script asks for.

    Where nothing is, the request may come all the same and hear so.
    """
    if response.status_code not in {200, 404}:
        return
    methods = response.headers.get("Allow", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")
    response.headers["Access-Control-Allow-Methods"] = methods
    response.headers["Access-Control-Allow-Headers"] = ", ".join([*usual, *_asked_besides(usual)])
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    response.headers.add("Vary", "Access-Control-Request-Headers")
    response.status_code = 204
    response.data = b""
    response.headers.pop("Content-Type", None)


def _asked_besides(usual: tuple[str, ...]) -> list[str]:
    """What a preflight asks for, if that is a list of names and not a long one."""
    asked = request.headers.get("Access-Control-Request-Headers", "").strip()
    if len(asked) > LONGEST_LIST or not HEADER_NAMES.match(asked):
        return []
    known = {name.lower() for name in usual}
    return [name for name in re.split(r"[ \t]*,[ \t]*", asked) if name.lower() not in known]

"""Probes of what answers carry: headers of pages, cookies, versions, and what errors repeat."""

import re
from http.client import OK

from app.errors import sentence
from app.selfcheck.findings import PROXY, REPORT, Book, Seen, in_order, not_tested
from app.selfcheck.visit import AUTHORIZE, INTROSPECT, TOKEN, USERINFO, Visit
from app.selfcheck.visitor import Reply

book = Book()
MARK = "selfcheck<b>'\"mark"
LEAST_HSTS = 15552000
VERSION = re.compile(r"\d")
UNSAFE_SOURCES = ("'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*", "data:")
DIRECTIVES = {"default-src": "'none'", "object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
PLAIN_HTTP = sentence("PUBLIC_URL is plain http, which is for this machine alone.")


@book.probe(
    sentence("No other site can frame the pages"),
    advice=PROXY,
    reference="RFC 9700 section 4.16, ASVS 5.0 3.4.6",
)
def framing(visit: Visit) -> Seen:
    """``frame-ancestors`` and ``X-Frame-Options`` on pages with something to press, and on errors."""
    problems = []
    for name, page in _pages(visit).items():
        if _policy(page).get("frame-ancestors") != "'none'":
            problems.append(f"{name}: frame-ancestors")
        if page.get("X-Frame-Options").upper() != "DENY":
            problems.append(f"{name}: X-Frame-Options")
    return in_order(problems, len(_pages(visit)))


@book.probe(
    sentence("Pages run no script but the portal's own"),
    advice=PROXY,
    reference="ASVS 5.0 3.4.3",
)
def script_policy(visit: Visit) -> Seen:
    """A ``Content-Security-Policy`` that begins with nothing and lets no inline script run."""
    problems = []
    for name, page in _pages(visit).items():
        policy = _policy(page)
        for directive, value in DIRECTIVES.items():
            if directive != "frame-ancestors" and policy.get(directive) != value:
                problems.append(f"{name}: {directive}")
        sources = policy.get("script-src", "*").split()
        problems += [f"{name}: script-src {each}" for each in UNSAFE_SOURCES if each in sources]
    return in_order(problems, len(_pages(visit)))


@book.probe(
    sentence("Answers are not taken for another kind, and tell other sites no addresses"),
    advice=PROXY,
    reference="ASVS 5.0 3.4.4 and 3.4.5, RFC 9700 section 4.2.4",
)
def plain_headers(visit: Visit) -> Seen:
    """``X-Content-Type-Options`` and ``Referrer-Policy``."""
    replies = {
        **_pages(visit),
        "userinfo": visit.userinfo("none"),
        "jwks": visit.stranger().get("/.well-known/jwks.json"),
    }
    problems = []
    for name, reply in replies.items():
        problems += [] if reply.get("X-Content-Type-Options") == "nosniff" else [f"{name}: X-Content-Type-Options"]
        is_kept = reply.get("Referrer-Policy") in {"same-origin", "no-referrer"}
        problems += [] if is_kept else [f"{name}: Referrer-Policy"]
    return in_order(problems, len(replies))


@book.probe(
    sentence("No cache keeps pages"),
    advice=PROXY,
    reference="ASVS 5.0 14.3.2",
)
def page_caching(visit: Visit) -> Seen:
    """``Cache-Control: no-store`` on pages of a person, on forms and on errors."""
    pages = _pages(visit)
    problems = [f"{name}: Cache-Control" for name, page in pages.items() if "no-store" not in page.get("Cache-Control")]
    return in_order(problems, len(pages))


@book.probe(
    sentence("Cookies reach no script, no other host and no other site"),
    advice=PROXY,
    reference="ASVS 5.0 3.3.1 to 3.3.4",
)
def cookies(visit: Visit) -> Seen:
    """``HttpOnly``, ``SameSite``, ``Path``, and on https ``Secure`` and ``__Host-``, of all that a login sets."""
    visit.ensure_login()
    found = visit.person.set_cookies
    allowed = {visit.settings.session.same_site.lower(), "lax", "strict"}
    problems = [] if any(name.endswith("session") for name in found) else ["Set-Cookie"]
    for name, header in found.items():
        parts = [part.strip().lower().partition("=") for part in header.split(";")[1:]]
        given = {key: value for key, _, value in parts}
        rules = {
            "HttpOnly": "httponly" in given,
            "SameSite": given.get("samesite") in allowed,
            "Path": given.get("path") == "/",
            "Domain": "domain" not in given,
            "Secure": "secure" in given or not visit.settings.is_https,
            "__Host-": name.startswith("__Host-") or not visit.settings.is_https,
        }
        problems += [f"{name}: {rule}" for rule, holds in rules.items() if not holds]
    return in_order(problems, len(found))


@book.probe(
    sentence("Browsers come back over TLS alone"),
    advice=sentence("Set HSTS to a max-age of half a year or more, or have the proxy in front say so."),
    reference="RFC 6797 section 6.1, ASVS 5.0 3.4.1",
)
def hsts(visit: Visit) -> Seen:
    """``Strict-Transport-Security`` on pages and documents, where the portal is on https."""
    if not visit.settings.is_https:
        return not_tested(PLAIN_HTTP)
    replies = {**_pages(visit), "jwks": visit.stranger().get("/.well-known/jwks.json")}
    problems = []
    for name, reply in replies.items():
        age = re.search(r"max-age=\"?(\d+)", reply.get("Strict-Transport-Security"))
        if not age or int(age[1]) < LEAST_HSTS:
            problems.append(f"{name}: Strict-Transport-Security")
    return in_order(problems, len(replies))


@book.probe(
    sentence("Answers tell no versions of programs"),
    advice=sentence("Take the version out of what a proxy in front says of itself."),
    reference="ASVS 5.0 13.4.6",
)
def versions(visit: Visit) -> Seen:
    """``Server`` without a number, and no ``X-Powered-By`` or its like."""
    replies = {"/login": visit.stranger().get("/login"), "jwks": visit.stranger().get("/.well-known/jwks.json")}
    problems = []
    for name, reply in replies.items():
        problems += [f"{name}: Server"] if VERSION.search(reply.get("Server")) else []
        telling = ("X-Powered-By", "X-AspNet-Version", "X-Runtime", "X-Generator")
        problems += [f"{name}: {header}" for header in telling if reply.get(header)]
    return in_order(problems, len(replies))


@book.probe(
    sentence("Errors do not repeat what was sent"),
    advice=REPORT,
    reference="RFC 6749 section 5.2, ASVS 5.0 1.2.1 and 16.5.1",
)
def echo(visit: Visit) -> Seen:
    """Programs get constants; pages show what was sent as text, never as markup."""
    stranger, proof = visit.stranger(), visit.lent
    replies = {
        "token: grant_type": visit.token(grant_type=MARK),
        "token: code": visit.redeem(MARK),
        "token: scope": visit.token(grant_type="client_credentials", scope=MARK),
        "token: client_id": stranger.post(TOKEN, {"client_id": MARK, "grant_type": "authorization_code", "code": "x"}),
        "userinfo: token": stranger.get(USERINFO, Authorization="Bearer selfcheck-mark<b>"),
        "introspect: token": stranger.post(INTROSPECT, {"client_id": proof.application, "token": MARK}),
        "authorize: client_id": stranger.get(AUTHORIZE, visit.request(client_id=MARK)),
        "authorize: redirect_uri": stranger.get(AUTHORIZE, visit.request(redirect_uri=f"https://x.invalid/{MARK}")),
        "page": stranger.get("/no-such-page", {"x": MARK}),
    }
    problems = [name for name, reply in replies.items() if _repeats(reply)]
    return in_order(problems, len(replies))


def _repeats(reply: Reply) -> bool:
    said = reply.text + reply.get("WWW-Authenticate") + reply.get("Location")
    is_page = reply.get("Content-Type").startswith("text/html")
    return "<b>" in said or (not is_page and "selfcheck" in said) or reply.status == OK


def _pages(visit: Visit) -> dict[str, Reply]:
    """Pages of each kind, asked for once in a run."""
    if not visit.pages:
        visit.ensure_login()
        stranger = visit.stranger()
        visit.pages = {
            "/login": visit.login_page or stranger.get("/login"),
            "/register": stranger.get("/register"),
            "/account": visit.person.get("/account"),
            "/logout": visit.person.get("/logout"),
            "/authorize": stranger.get(AUTHORIZE, {"client_id": "selfcheck-unknown"}),
        }
        if visit.consent_page:
            visit.pages["/consent"] = visit.consent_page
    return visit.pages


def _policy(page: Reply) -> dict[str, str]:
    parts = (each.strip().partition(" ") for each in page.get("Content-Security-Policy").split(";"))
    return {name.lower(): value.strip() for name, _, value in parts if name}

"""Probes of who may do what: forms of other sites, administrators' pages, guesses, and the end of a session."""

from collections.abc import Callable
from urllib.parse import urlsplit

from app.errors import sentence
from app.selfcheck.findings import REPORT, Book, Seen, Unreached, failed, in_order, passed, refused, warned
from app.selfcheck.visit import Visit
from app.selfcheck.visitor import TOO_MANY, Reply, Visitor
from app.services.foundation.environment import random_token
from app.services.foundation.rate_limits import parse_limit

book = Book()
FOREIGN = "https://another-site.invalid"
ADMIN_PAGES = (
    "/admin",
    "/admin/",
    "/admin/settings",
    "/admin/clients/{}/redirect-uris/new?uri=https://another-site.invalid/",
)
SERVICE_API = "/api/admin/oauth/service/"
MOST_GUESSES = 12
"""A limit above that is not waited for."""
NO_LIMIT = sentence("The portal judged %(count)s wrong passwords in a row.")
LIMITED = sentence("After %(count)s wrong passwords the portal judged no more of them.")


@book.probe(
    sentence("Another site's form logs nobody in"),
    advice=REPORT,
    reference="ASVS 5.0 3.5.1, RFC 9700 section 4.7",
)
def csrf_login(visit: Visit) -> Seen:
    """With the right password: without the form's token, and with it from another origin."""
    attempts = {}
    for name, is_foreign in (("csrf_token=", False), ("Origin: https://…", True)):
        browser = visit.stranger()
        form = browser.get("/login").form("email", "password")
        typed = {**form.fields, "email": visit.lent.email, "password": visit.lent.password}
        if not is_foreign:
            typed.pop("csrf_token", "")
        browser.post(form.action, typed, **({"Origin": FOREIGN} if is_foreign else {}))
        attempts[name] = _is_somebody(browser)
    return refused(attempts)


@book.probe(
    sentence("Another site's form allows no application anything"),
    advice=REPORT,
    reference="ASVS 5.0 3.5.1, RFC 9700 section 4.16",
)
def csrf_consent(visit: Visit) -> Seen:
    """The question of an application is answered by the person's own page alone."""
    visit.ensure_login()
    asked = {"client_id": visit.lent.other}
    attempts = {}
    for name, is_foreign in (("csrf_token=", False), ("Origin: https://…", True)):
        page = visit.person.follow(visit.authorize(**asked))
        form = page.form("shown")
        sent = {**form.fields, "decision": "allow"}
        if not is_foreign:
            sent.pop("csrf_token", "")
        visit.person.post(form.action, sent, **({"Origin": FOREIGN} if is_foreign else {}))
        attempts[name] = "code" in visit.person.follow(visit.authorize(**asked)).parameters
        if attempts[name]:
            break
    return refused(attempts)


@book.probe(
    sentence("Administrators' pages are for administrators"),
    advice=REPORT,
    reference="ASVS 5.0 8.2.1",
)
def admin_pages(visit: Visit) -> Seen:
    """Nobody, and a member, get no page; no token of a person opens the service API."""
    visit.ensure_login()
    stranger, access = visit.stranger(), visit.tokens.access
    attempts = {}
    for path in (page.format(visit.lent.application) for page in ADMIN_PAGES):
        attempts[path] = stranger.get(path).is_good
        attempts[f"{path}: Cookie"] = visit.person.get(path).is_good
    for path in ("clients", "users", "settings"):
        address = f"{SERVICE_API}{path}"
        attempts[address] = stranger.get(address).is_good
        attempts[f"{address}: Bearer"] = stranger.get(address, Authorization=f"Bearer {access}").is_good
        attempts[f"{address}: Cookie"] = visit.person.get(address).is_good
    return refused(attempts)


@book.probe(
    sentence("Guessing passwords is slowed down"),
    advice=sentence("Set RATE_LIMIT_ENABLED to true and RATE_LIMIT_LOGIN to a few attempts a minute."),
    reference="ASVS 5.0 6.3.1",
)
def login_limit(visit: Visit) -> Seen:
    """Wrong passwords in the person's own browser, which has a count of its own: nobody else is slowed down."""
    visit.ensure_login()
    known = {name: value for name, value in visit.person.cookies.items() if name.endswith("portal_device")}
    if not known:
        # Without it the guesses would count against everybody who comes from this address.
        raise Unreached("Set-Cookie: portal_device")
    browser = visit.stranger(**known)
    form = browser.get("/login").form("email", "password")
    rule = parse_limit(visit.settings.limits.login)
    for number in range(min(rule.amount if rule else MOST_GUESSES, MOST_GUESSES) + 1):
        typed = {**form.fields, "email": visit.lent.email, "password": random_token(128)}
        reply = browser.ask("POST", form.action, form=typed, headers={"Origin": visit.issuer}, patience=0)
        if reply.status == TOO_MANY:
            return passed(LIMITED, count=number)
        if reply.is_good or reply.location:
            return failed(NO_LIMIT, count=number + 1)
    is_far = rule is not None and visit.settings.limits.enabled and rule.amount > MOST_GUESSES
    return (warned if is_far else failed)(NO_LIMIT, count=number + 1)


@book.probe(
    sentence("A login begins a session of its own"),
    advice=REPORT,
    reference="ASVS 5.0 7.2.4",
)
def session_fixation(visit: Visit) -> Seen:
    """No cookie from before the login names the session after it."""
    visit.ensure_login()
    before, after = set(visit.cookie_before.values()), _session(visit.person)
    planted = visit.stranger(**dict.fromkeys(after, "planted" * 8))
    return refused(
        {
            "Set-Cookie": bool(before & set(after.values())),
            "Cookie: …": _is_somebody(planted),
            "Cookie": _is_somebody(visit.stranger(**visit.cookie_before)),
        }
    )


@book.probe(
    sentence("Another site's form logs nobody out"),
    advice=REPORT,
    reference="ASVS 5.0 3.5.1 and 10.6.2",
)
def csrf_logout(visit: Visit) -> Seen:
    """Neither a form without its token or of another origin, nor a link, nor a request for a logout without a hint."""
    visit.ensure_login()
    token = visit.person.get("/logout").token_of_forms
    tries: dict[str, Callable[[], Reply]] = {
        "csrf_token=": lambda: visit.person.post("/logout", {}),
        "Origin: https://…": lambda: visit.person.post("/logout", token, Origin=FOREIGN),
        "GET /logout": lambda: visit.person.get("/logout"),
        "GET /api/oauth/logout": lambda: visit.person.get("/api/oauth/logout"),
        "POST /api/oauth/logout/confirm": lambda: visit.person.post("/api/oauth/logout/confirm", {}),
    }
    held, attempts = dict(visit.person.cookies), {}
    for name, attempt in tries.items():
        attempt()
        attempts[name] = not _is_somebody(visit.stranger(**held))
        if attempts[name]:
            break
    return refused(attempts)


@book.probe(
    sentence("Logging out ends the session and its tokens"),
    advice=REPORT,
    reference="ASVS 5.0 7.4.1, 10.4.9",
)
def session_end(visit: Visit) -> Seen:
    """A cookie that was copied before is worth nothing after it, nor is a token that came of the session."""
    if not _is_somebody(visit.person):
        raise Unreached("/account")
    tokens, held = visit.new_tokens(), dict(visit.person.cookies)
    visit.person.post("/logout", visit.person.get("/logout").token_of_forms)
    return in_order(
        [
            name
            for name, still in {
                "Cookie": _is_somebody(visit.stranger(**held)),
                "userinfo": visit.userinfo(tokens.access).is_good,
                "grant_type=refresh_token": visit.refresh(tokens.refresh).is_good,
            }.items()
            if still
        ],
        3,
    )


def _is_somebody(browser: Visitor) -> bool:
    """Whether a browser is logged in: the account page shows itself, and leads to no login."""
    reply = browser.get("/account")
    return reply.is_good and urlsplit(reply.url).path == "/account"


def _session(browser: Visitor) -> dict[str, str]:
    return {name: value for name, value in browser.cookies.items() if name.endswith("portal_session")}

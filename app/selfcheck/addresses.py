"""Probes of where browsers are led: to registered addresses, character by character, and nowhere else."""

from urllib.parse import quote, urlsplit

from app.errors import sentence
from app.selfcheck.findings import REPORT, Book, Seen, refused
from app.selfcheck.visit import AUTHORIZE, Visit

ELSEWHERE = "another-site.invalid"
LOGOUT = "/api/oauth/logout"
book = Book()


@book.probe(
    sentence("Redirect URIs match exactly"),
    advice=REPORT,
    reference="RFC 9700 section 2.1, RFC 8252 section 8.3, ASVS 5.0 10.4.1",
)
def redirect_uris(visit: Visit) -> Seen:
    """What is nearly a registered address is none: nobody is led there."""
    visit.ensure_login()
    attempts = {}
    for name, uri in variants(visit.lent.redirect_uri).items():
        attempts[name] = visit.leads_out(visit.authorize(redirect_uri=uri))
    for name, uri in loopback_variants(visit.lent.loopback_uri).items():
        attempts[name] = visit.leads_out(visit.authorize(client_id=visit.lent.other, prompt="none", redirect_uri=uri))
    return refused(attempts)


def variants(uri: str) -> dict[str, str]:
    """Addresses that differ from a registered one by what parsers have been seen to overlook."""
    host, path = urlsplit(uri).netloc, urlsplit(uri).path
    return {
        "redirect_uri=…/callback/x": f"{uri}/x",
        "redirect_uri=…/callbackx": f"{uri}x",
        "redirect_uri=…/callback/": f"{uri}/",
        "redirect_uri=…/CALLBACK": uri.replace(path, path.upper()),
        "redirect_uri=…/callback/../x": f"{uri}/../x",
        "redirect_uri=…/callback/%2e%2e/x": f"{uri}/%2e%2e/x",
        "redirect_uri=…/callb%61ck": uri.replace(path, "/callb%61ck"),
        "redirect_uri=…?x": f"{uri}?x=1",
        "redirect_uri=…#x": f"{uri}#x",
        "redirect_uri=http:": uri.replace("https:", "http:"),
        "redirect_uri=…:8443": uri.replace(host, f"{host}:8443"),
        "redirect_uri=…@": f"https://{host}@{ELSEWHERE}{path}",
        "redirect_uri=…%40": f"https://{host}%40{ELSEWHERE}{path}",
        "redirect_uri=x.…": f"https://x.{host}{path}",
        "redirect_uri=….x": f"https://{host}.{ELSEWHERE}{path}",
        "redirect_uri=\\": f"https://{ELSEWHERE}\\{host}{path}",
        "redirect_uri=%68…": quote(uri, safe=""),
    }


def loopback_variants(uri: str) -> dict[str, str]:
    """Of a loopback address, whose port alone may vary."""
    return {
        "redirect_uri=http://localhost": uri.replace("127.0.0.1", "localhost"),
        "redirect_uri=http://127.0.0.1.…": uri.replace("127.0.0.1", f"127.0.0.1.{ELSEWHERE}"),
        "redirect_uri=https://127.0.0.1": uri.replace("http:", "https:"),
    }


@book.probe(
    sentence("Errors are never sent to an address that is not registered"),
    advice=REPORT,
    reference="RFC 6749 section 4.1.2.1, RFC 9700 section 4.11",
)
def unregistered_errors(visit: Visit) -> Seen:
    """Whatever else is wrong with a request."""
    elsewhere = f"https://{ELSEWHERE}/callback"
    changes: dict[str, dict[str, str | None]] = {
        "response_type=token": {"response_type": "token"},
        "scope=…": {"scope": "no-such-scope"},
        "prompt=none": {"prompt": "none"},
        "client_id=…": {"client_id": "selfcheck-unknown"},
        "client_id=": {"client_id": None},
        "response_mode=form_post": {"response_mode": "form_post", "prompt": "none"},
    }
    attempts = {}
    for name, change in changes.items():
        reply = visit.stranger().get(AUTHORIZE, visit.request(redirect_uri=elsewhere, **change))
        # A form that sends itself there is as good as a redirect.
        attempts[name] = visit.leads_out(reply) or f'action="{elsewhere}"' in reply.text
    return refused(attempts)


@book.probe(
    sentence("Logging in leads to no other site"),
    advice=REPORT,
    reference="RFC 9700 section 4.11.2, ASVS 5.0 3.7.2",
)
def login_redirect(visit: Visit) -> Seen:
    """The page that somebody came from is a page of the portal."""
    visit.ensure_login()
    targets = (
        f"https://{ELSEWHERE}/",
        f"//{ELSEWHERE}/",
        f"/\\{ELSEWHERE}/",
        f"/%09/{ELSEWHERE}/",
        "javascript:alert(1)",
    )
    attempts = {}
    for target in targets:
        reply = visit.person.get("/login", {"next": target})
        attempts[f"next={target}"] = visit.leads_out(reply) or reply.get("Location").startswith("/\\")
    return refused(attempts)


@book.probe(
    sentence("Logging out leads to registered addresses alone"),
    advice=REPORT,
    reference="OpenID Connect RP-Initiated Logout 1.0 section 3, ASVS 5.0 10.6.2",
)
def logout_redirect(visit: Visit) -> Seen:
    """With nobody logged in, where no question stands between."""
    bye = f"{visit.lent.origin}/bye"
    attempts: dict[str, bool] = {}
    addresses = {
        "post_logout_redirect_uri=https://…": f"https://{ELSEWHERE}/",
        "post_logout_redirect_uri=…/bye/x": f"{bye}/x",
        "post_logout_redirect_uri=…@": bye.replace("/bye", f"@{ELSEWHERE}/bye"),
    }
    # The hint is what makes a redirect possible at all without asking.
    hint = visit.tokens.id_token
    for name, uri in addresses.items():
        for more in ({"client_id": visit.lent.application}, {"id_token_hint": hint}):
            reply = visit.stranger().post(LOGOUT, {"post_logout_redirect_uri": uri, **more})
            attempts[name] = attempts.get(name, False) or visit.leads_out(visit.stranger().follow(reply))
    return refused(attempts)

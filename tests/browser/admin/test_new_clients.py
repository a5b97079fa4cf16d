"""Applications registered in Chromium: advice while one types, each kind, and that it works at the protocol."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.admin.offices import Office, hold
from tests.browser.people import log_in, opened_by
from tests.portal import Portal
from tests.relying_party import CHALLENGE, VERIFIER

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)
HEAD = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
HOME = "https://shop.example.com/callback"


def fill_in(window: Page, kind: str, **values: str) -> None:
    """Choose a kind, and say what it is."""
    window.goto("/admin/new-client")
    window.locator(f'a[href$="/new-client/{kind}"]').click()
    for name, value in values.items():
        window.locator(f"[name={name}]").fill(value)
    if kind != "service":
        window.locator("[name=consent_policy][value=implicit]").check()


def registered(window: Page) -> str:
    """See what is registered, register it, and read the secret of the page, if there is one."""
    window.locator("#page-form button.btn-primary").click()
    window.locator(".effect button.btn-primary").click()
    expect(window.locator("#values")).to_be_visible()
    secret = window.locator("[data-secret]")
    return secret.inner_text() if secret.count() else ""


def test_an_application_of_each_kind_is_registered_and_works(office: Office, live_portal: Portal) -> None:
    window = office.open("/admin/new-client")
    hold(window, "kinds of applications")

    fill_in(window, "web", name="Corner Shop", client_id="shop")
    advice = window.locator("[data-advice-of]")
    window.locator("[name=redirect_uris]").press_sequentially("https://*.example.com/")
    expect(advice).to_contain_text("A wildcard is never registered.")
    window.locator("[name=redirect_uris]").fill(HOME)
    expect(advice).to_contain_text("of another site than the portal")
    hold(window, "form of an application")
    window.locator("#page-form button.btn-primary").click()
    expect(window.locator(".effect")).to_contain_text(HOME)
    hold(window, "what is registered")
    window.locator(".effect button.btn-primary").click()
    secret = window.locator("[data-secret]").inner_text()
    hold(window, "the secret")
    code = code_for(window, live_portal, "shop", HOME)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME, "code_verifier": VERIFIER}
    token_endpoint = f"{live_portal.url}/api/oauth/token"
    assert requests.post(token_endpoint, data=form, auth=("shop", secret), timeout=20).status_code == 200
    window.goto("/admin/clients/shop")
    assert secret not in window.content()

    for kind, uri in (("popup", "http://localhost:3999/cb"), ("redirect", HOME), ("native", "com.example.app:/cb")):
        fill_in(window, kind, name=f"App {kind}", client_id=f"app-{kind}", redirect_uris=uri)
        assert registered(window) == ""
        code = code_for(window, live_portal, f"app-{kind}", uri)
        form = {**form, "client_id": f"app-{kind}", "code": code, "redirect_uri": uri}
        assert requests.post(token_endpoint, data=form, timeout=20).status_code == 200, kind

    fill_in(window, "service", name="Nightly", client_id="nightly")
    window.locator("[name=allowed_scopes][value='admin:users']").check()
    secret = registered(window)
    form = {"grant_type": "client_credentials"}
    token = requests.post(token_endpoint, data=form, auth=("nightly", secret), timeout=20).json()["access_token"]
    people = f"{live_portal.url}/api/admin/oauth/service/users"
    assert requests.get(people, headers={"Authorization": f"Bearer {token}"}, timeout=20).status_code == 200


@contextmanager
def site(pages: dict[str, str]) -> Iterator[str]:
    """The origin of a page of somebody else; what it shows may be written into ``pages`` later."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"{HEAD}{pages.get(urlsplit(self.path).path, '')}".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kind", ["popup", "redirect"])
def test_the_code_that_is_shown_logs_somebody_in(office: Office, kind: str) -> None:
    pages: dict[str, str] = {}
    with site(pages) as origin:
        window = office.open("/admin/new-client")
        fill_in(window, kind, name=kind, client_id=f"pasted-{kind}", redirect_uris=f"{origin}/callback")
        assert registered(window) == ""
        codes = window.locator("figure [data-copy-source]")
        pages |= {"/": codes.nth(0).inner_text(), "/callback": codes.nth(1).inner_text()}
        shop = office.windows.open(locale="en-US")
        shop.goto(origin)
        shop.locator("#login").wait_for()
        with shop.expect_console_message(lambda message: office.administrator.email in message.text):
            if kind == "popup":
                log_in(opened_by(shop, "#login"), office.administrator)
            else:
                shop.locator("#login").click()
                log_in(shop, office.administrator)


def code_for(window: Page, portal: Portal, client_id: str, uri: str) -> str:
    """A code of a login to the application, by whoever is logged in in the window."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": uri,
        "scope": "openid",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    address = requests.Request("GET", f"{portal.url}/api/oauth/authorize", params=query).prepare().url
    assert address
    jar = requests.Session()
    for each in window.context.cookies():
        jar.cookies.set(each["name"], each["value"])
    answered = jar.get(address, allow_redirects=False, timeout=20)
    return answered.headers["Location"].partition("code=")[2].partition("&")[0]

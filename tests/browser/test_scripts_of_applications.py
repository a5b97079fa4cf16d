"""What scripts of an application may send and read, in Chromium: as keycloak-js, auth0-spa-js and MCP clients fetch."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.application import CLIENT_ID, running_application
from tests.browser.people import log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal

DOCUMENTS = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/api/openapi.json",
    "/static/sdk/max-auth.js",
]
FETCH = """async ([address, options]) => {
  try {
    const answer = await fetch(address, options);
    return { status: answer.status, body: await answer.text() };
  } catch (error) { return { status: 0, body: String(error) }; }
}"""
HEADERS = {
    "X-Requested-With": "XMLHttpRequest",
    "Auth0-Client": "eyJuYW1lIjoieCJ9",
    "MCP-Protocol-Version": "2025-06-18",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def application(live_portal: Portal) -> Iterator[str]:
    with running_application(live_portal) as origin:
        yield origin


def fetched(page: Page, address: str, **options: Any) -> tuple[int, str]:
    """What a script of the page gets; 0 where the browser lets it read nothing."""
    answer = page.evaluate(FETCH, [address, options])
    return answer["status"], answer["body"]


@pytest.fixture
def page(windows: Windows, application: str, live_portal: Portal) -> Page:
    """The application's page in the browser of somebody who is logged in at the portal."""
    page = windows.open(locale="en-US")
    page.goto(f"{live_portal.url}/login")
    log_in(page, new_person(live_portal))
    page.wait_for_url(f"{live_portal.url}/")
    page.goto(f"{application}/app")
    windows.expect("Failed to load resource")  # refusals are what is read here
    return page


@pytest.mark.parametrize("path", DOCUMENTS)
def test_public_documents_are_fetched_with_any_header(page: Page, live_portal: Portal, path: str) -> None:
    for extra in ({}, {"Authorization": "Bearer x", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71-01"}):
        status, body = fetched(page, live_portal.url + path, headers={**HEADERS, **extra})
        assert (status, bool(body)) == (200, True)


def test_tokens_are_asked_for_with_credentials_and_any_header(page: Page, live_portal: Portal) -> None:
    base, form = (
        f"{live_portal.url}/api/oauth",
        f"client_id={CLIENT_ID}&token=x&grant_type=refresh_token&refresh_token=x",
    )
    sent = {"method": "POST", "body": form, "credentials": "include", "headers": {**HEADERS, **FORM}}
    status, body = fetched(page, f"{base}/token", **sent)
    assert (status, "invalid_grant" in body) == (400, True)
    assert fetched(page, f"{base}/revoke", **sent)[0] == 200
    # The cookies of the person who is logged in came along and count for nothing.
    status, body = fetched(page, f"{base}/userinfo", credentials="include", headers=HEADERS)
    assert (status, "error_description" in body) == (401, True)
    assert fetched(page, f"{base}/token", credentials="include", headers=HEADERS)[0] == 405


def test_a_page_of_nobody_reads_none_of_it(windows: Windows, page: Page, application: str, live_portal: Portal) -> None:
    windows.expect("blocked by CORS policy")
    page.goto(application.replace("localhost", "127.0.0.1") + "/app")
    base = f"{live_portal.url}/api/oauth"
    for credentials in ("include", "omit"):
        assert fetched(page, f"{base}/userinfo", credentials=credentials, headers=HEADERS)[0] == 0
        assert fetched(page, f"{base}/token", method="POST", body="x=y", credentials=credentials, headers=FORM)[0] == 0
    assert fetched(page, f"{live_portal.url}/.well-known/jwks.json", headers=HEADERS)[0] == 200
    assert fetched(page, f"{live_portal.url}/.well-known/jwks.json", credentials="include")[0] == 0

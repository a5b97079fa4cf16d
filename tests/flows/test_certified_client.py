"""A certified client library (openid-client for Node) drives the running portal, knowing only its issuer.

https://openid.net/certification lists it for the Basic profile of OpenID Connect relying parties.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser_http import Document, HttpBrowser
from tests.portal import Portal
from tests.servers import PROJECT_ROOT

SCRIPT = PROJECT_ROOT / "tests" / "clients" / "openid_client_journey.mjs"
REDIRECT_URI = "http://localhost:49150/callback"
SCOPE = "openid profile email offline_access"
EMAIL, PASSWORD = "kim@example.com", "correct horse battery staple"

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)


@pytest.fixture(scope="module")
def clients(live_portal: Portal) -> dict[str, str]:
    """The registered clients and their secrets ("": public); one person who can log in."""
    live_portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--name", "Kim", "--verified")
    common = ("--redirect-uri", REDIRECT_URI, "--scope", SCOPE, "--consent", "once", "--json")
    grants = ("--grant", "authorization_code", "--grant", "refresh_token")
    made = [
        live_portal.flask("clients", "create", "certified-public", *common, *grants),
        live_portal.flask("clients", "create", "certified-confidential", "--confidential", *common, *grants),
    ]
    return {row["client_id"]: row["client_secret"] or "" for row in map(json.loads, made)}


@pytest.fixture
def browser_without_script(live_portal: Portal) -> Iterator[HttpBrowser]:
    opened = HttpBrowser(live_portal.url)
    yield opened
    opened.close()


class Journey:
    """The Node program, running: it says where to send the browser and is told where that ended."""

    def __init__(self, **options: Any) -> None:
        node = Path(sys.executable).with_name("node")
        self._process = subprocess.Popen(
            [str(node), str(SCRIPT), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Journey":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def hears(self, name: str) -> Any:
        """The next line, which must be of this name."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, f"The client failed:\n{self._process.stderr.read()}"
        return json.loads(line)[name]

    def says(self, url: str) -> None:
        """Tell it where the browser ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{url}\n")
        self._process.stdin.flush()


def log_in_and_agree(browser: HttpBrowser, url: str) -> Document:
    """What a person does at the first visit: log in, read the consent page, allow."""
    page = browser.log_in(browser.open(url), EMAIL, PASSWORD)
    return browser.decide(page, "allow")


@pytest.mark.parametrize("client_id", ["certified-public", "certified-confidential"])
def test_a_certified_client_completes_every_flow_by_discovery_alone(
    live_portal: Portal, clients: dict[str, str], browser_without_script: HttpBrowser, client_id: str
) -> None:
    browser = browser_without_script
    requests = [{}, {"prompt": "none"}, {"max_age": 3600}, {"prompt": "login"}]
    options = {"client_secret": clients[client_id]} if clients[client_id] else {}
    with Journey(
        issuer=live_portal.url,
        client_id=client_id,
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        requests=requests,
        **options,
    ) as journey:
        journey.says(log_in_and_agree(browser, journey.hears("authorize")).url)
        # Logged in and agreed: the portal answers at once, silently and with max_age.
        for _ in range(2):
            arrived = browser.open(journey.hears("authorize"))
            assert len(browser.steps) >= 2
            assert arrived.url.startswith(f"{REDIRECT_URI}?")
            journey.says(arrived.url)
        journey.says(browser.log_in(browser.open(journey.hears("authorize")), EMAIL, PASSWORD).url)
        report = journey.hears("report")

    first, silent, recent, again = report["logins"]
    assert first["userinfo"]["email"] == EMAIL
    assert first["userinfo"]["name"] == "Kim"
    assert {login["claims"]["sub"] for login in report["logins"]} == {first["userinfo"]["sub"]}
    assert silent["claims"]["auth_time"] == recent["claims"]["auth_time"] == first["claims"]["auth_time"]
    assert again["claims"]["auth_time"] >= first["claims"]["auth_time"]
    assert all(login["expires_in"] == 3600 for login in report["logins"])
    assert report["refreshed"]["is_rotated"] is True
    assert report["refreshed"]["userinfo"]["sub"] == first["userinfo"]["sub"]
    assert report["after_revocation"]["refresh"]["error"] == "invalid_grant"
    assert report["after_revocation"]["userinfo"]["status"] == 401
    if clients[client_id]:
        assert report["introspection"]["active"] is True
        assert report["introspection"]["client_id"] == client_id
        assert report["after_revocation"]["introspection"] == {"active": False}


def test_silent_login_without_a_session_is_refused_to_the_client(
    live_portal: Portal, clients: dict[str, str], browser_without_script: HttpBrowser
) -> None:
    requests = [{"prompt": "none"}]
    with Journey(
        issuer=live_portal.url,
        client_id="certified-public",
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        requests=requests,
    ) as journey:
        arrived = browser_without_script.open(journey.hears("authorize"))
    answer = parse_qs(urlsplit(arrived.url).query)
    assert answer["error"] == ["login_required"]
    assert answer["iss"] == [live_portal.url]
    assert "code" not in answer

"""The control page, the webhook that Kakao calls, and the program that serves it all."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

import pytest
import requests

from tests.examples.application import SECONDS, Application
from tests.examples.test_providers import NAMES
from tests.providers import Providers
from tests.servers import PROJECT_ROOT, free_port


@pytest.fixture
def control(providers: Providers) -> str:
    """Where the control page is."""
    return providers.control.url


class Receiver(BaseHTTPRequestHandler):
    """A portal that takes one webhook."""

    def do_POST(self) -> None:
        """Remember it."""
        self.server.received = self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing to say."""


@pytest.fixture
def portal() -> Iterator[HTTPServer]:
    """Somewhere to send it."""
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_every_switch_is_on_the_page(providers: Providers, control: str) -> None:
    page = requests.get(control, timeout=SECONDS).text
    for name in NAMES:
        assert f'<h2 id="{name}">' in page
        assert all(f'value="{switch.name}"' in page for switch in providers[name].switches)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("cancel", "on", True), ("slow", "2.5", 2.5), ("hang", "token", "token"), ("changed_email", "a@b.kr", "a@b.kr")],
)
def test_a_switch_is_set_by_one_post_and_off_by_another(
    providers: Providers, control: str, name: str, value: str, expected: bool | float | str
) -> None:
    requests.post(f"{control}/switch", {"provider": "naver", "name": name, "value": value}, timeout=SECONDS)
    assert providers.naver.switches[name] == expected
    requests.post(f"{control}/switch", {"provider": "naver", "name": name, "value": ""}, timeout=SECONDS)
    assert not providers.naver.switches[name]
    requests.post(f"{control}/switch", {"provider": "naver", "name": name, "value": value}, timeout=SECONDS)
    requests.post(f"{control}/reset", {"provider": "naver"}, timeout=SECONDS)
    assert not providers.naver.switches[name]


@pytest.mark.parametrize(
    "form",
    [
        {"provider": "nobody", "name": "cancel", "value": "on"},
        {"provider": "kakao", "name": "made-up", "value": "on"},
        {"provider": "kakao", "name": "hang", "value": "made-up"},
        {"provider": "kakao", "name": "slow", "value": "made-up"},
    ],
    ids=str,
)
def test_what_cannot_be_set_is_refused(control: str, form: dict[str, str]) -> None:
    assert requests.post(f"{control}/switch", form, timeout=SECONDS).status_code == 400


def test_requests_are_listed_for_people_and_programs(providers: Providers, control: str) -> None:
    code = Application(providers.discord).answer()["code"]
    token = Application(providers.discord).redeem(code).json()["access_token"]
    listed = requests.get(f"{control}/requests", timeout=SECONDS)
    assert [each["kind"] for each in listed.json() if each["provider"] == "discord"] == ["authorize"] * 2 + ["token"]
    for page in (listed.text, requests.get(control, timeout=SECONDS).text):
        assert "/api/oauth2/token" in page
        assert code not in page
        assert token not in page


def test_what_was_asked_cannot_write_into_the_page(providers: Providers, control: str) -> None:
    requests.get(f"{providers.acme.url}/<script>alert(1)</script>", {"x": "<b>"}, timeout=SECONDS)
    page = requests.get(control, timeout=SECONDS).text
    assert "<script>" not in page
    assert "<b>" not in page


def test_kakao_tells_the_portal_when_somebody_unlinks_there(
    providers: Providers, control: str, portal: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kakao, application = providers.kakao, Application(providers.kakao)
    monkeypatch.setattr(kakao, "webhook", f"http://127.0.0.1:{portal.server_port}/auth/kakao/webhook")
    token = application.tokens()["access_token"]
    page = requests.post(f"{control}/unlink", {"provider": "kakao", "person": "kim"}, timeout=SECONDS)
    assert "which answered 200" in page.text
    path, headers, body = portal.received  # type: ignore[attr-defined]
    assert path == "/auth/kakao/webhook"
    assert headers["Authorization"] == f"KakaoAK {kakao.admin_key}"
    assert dict(parse_qsl(body.decode())) == {
        "app_id": "1234567",
        "user_id": kakao.person("kim").subject,
        "referrer_type": "UNLINK_FROM_APPS",
    }
    assert application.user(token).status_code == 401


def test_a_portal_that_is_away_is_said_to_be(
    providers: Providers, control: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers.kakao, "webhook", f"http://127.0.0.1:{free_port()}/auth/kakao/webhook")
    page = requests.post(f"{control}/unlink", {"provider": "kakao", "person": "kim"}, timeout=SECONDS)
    assert "could not reach" in page.text


def test_the_environment_leads_to_every_provider(providers: Providers, control: str) -> None:
    text = requests.get(f"{control}/environment", timeout=SECONDS).text
    assert dict(line.split("=", 1) for line in text.splitlines()) == providers.environment
    addresses = {site.url for provider in providers.all.values() for site in provider.sites.values()}
    assert addresses <= set(providers.environment.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_says_where_they_are_and_ends_when_it_is_told_to(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "examples.providers", "--port", "0"]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        places = dict(program.stdout.readline().split(maxsplit=1) for _ in range(1 + len(NAMES)))
        issuer = places["acme"].strip()
        assert requests.get(places["control"].strip(), timeout=SECONDS).status_code == 200
        discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=SECONDS).json()
        assert discovery["issuer"] == issuer
        program.send_signal(number)
        assert program.wait(SECONDS) == 0


def test_the_program_says_what_the_portal_needs_to_know_before_it_serves() -> None:
    command = [sys.executable, "-m", "examples.providers", "--port", "8100", "--environment"]
    told = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    environment = dict(line.split("=", 1) for line in told.splitlines())
    assert environment["GOOGLE_ISSUER"] == "http://127.0.0.1:8101"
    with Providers() as started:
        assert environment.keys() == started.environment.keys()
        assert environment["KAKAO_CLIENT_SECRET"] == started.kakao.client_secret

"""Client libraries that teams already use, each its real package by its own documentation, log a person in.

The applications are in tests/clients; docs/integrations.md names the versions and what each needs to be told.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.people import Person, log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal
from tests.servers import PROJECT_ROOT, Server, free_port, running

CLIENTS = PROJECT_ROOT / "tests" / "clients"
PYTHON = CLIENTS / ".venv" / "bin" / "python"
NODE = Path(sys.executable).with_name("node")
SCOPE = "openid profile email"


class Application(Server):
    """A client application at ``url``, which gets issuer, client id, secret and port."""

    def __init__(self, directory: Path, command: list[str], port: int) -> None:
        self.url = f"http://localhost:{port}"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "LANG": "C.UTF-8"}
        super().__init__(command, directory / "log", self._answers, environment=environment)

    def _answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=2).ok
        except requests.ConnectionError:
            return False


def register(portal: Portal, client_id: str, *options: str) -> str:
    """A client of which nobody is asked for consent; answers its secret."""
    common = ("--scope", SCOPE, "--consent", "implicit", "--json")
    made = json.loads(portal.flask("clients", "create", client_id, *common, *options))
    return made["client_secret"] or ""


def log_in_at(window: Page, person: Person) -> None:
    """Follow the application's link and log in at the portal."""
    window.get_by_text("Log in", exact=True).click()
    log_in(window, person)
    expect(window.get_by_text(person.email, exact=True)).to_be_visible()


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


# Where each takes its answer, whether it shows a name, and what its client is registered with besides.
SERVERS: dict[str, tuple[str, bool, tuple[str, ...]]] = {
    "flask_authlib.py": ("/callback", True, ()),
    "fastapi_authlib.py": ("/callback", True, ()),
    "django_oidc.py": ("/oidc/callback/", False, ()),
    "express_openid_connect.mjs": ("/callback", True, ()),
    "passport_openidconnect.mjs": ("/callback", True, ("--no-pkce",)),
}


@pytest.mark.parametrize("program", SERVERS)
def test_a_server_logs_people_in(windows: Windows, live_portal: Portal, person: Person, program: str) -> None:
    callback, shows_name, more = SERVERS[program]
    port, client_id = free_port(), program.partition(".")[0].replace("_", "-")
    options = ("--redirect-uri", f"http://localhost:{port}{callback}", "--confidential")
    secret = register(live_portal, client_id, *options, *more)
    interpreter = NODE if program.endswith(".mjs") else PYTHON
    command = [str(interpreter), str(CLIENTS / program), live_portal.url, client_id, secret, str(port)]
    with running(partial(Application, command=command, port=port)) as application:
        window = windows.open(locale="en-US")
        windows.expect("favicon.ico")
        window.goto(application.url)
        log_in_at(window, person)
        if shows_name:
            expect(window.get_by_text(person.name, exact=True)).to_be_visible()


def test_logging_out_at_an_application_logs_out_of_the_portal(
    windows: Windows, live_portal: Portal, person: Person
) -> None:
    """express-openid-connect with idpLogout, by the metadata's end_session_endpoint."""
    port = free_port()
    options = ("--redirect-uri", f"http://localhost:{port}/callback", "--confidential")
    back = ("--post-logout-redirect-uri", f"http://localhost:{port}")
    secret = register(live_portal, "express-logout", *options, *back)
    command = [str(NODE), str(CLIENTS / "express_openid_connect.mjs"), live_portal.url, "express-logout", secret]
    with running(partial(Application, command=[*command, str(port)], port=port)) as application:
        window = windows.open(locale="en-US")
        windows.expect("favicon.ico")
        window.goto(application.url)
        log_in_at(window, person)
        window.get_by_text("Log out", exact=True).click()
        expect(window.get_by_text("Log in", exact=True)).to_be_visible()
        assert window.url.rstrip("/") == application.url
        window.goto(f"{live_portal.url}/account")
        expect(window.locator("input[name=password]")).to_be_visible()


def test_streamlit_logs_people_in(windows: Windows, live_portal: Portal, person: Person) -> None:
    port = free_port()
    redirect_uri = f"http://localhost:{port}/oauth2callback"
    secret = register(live_portal, "streamlit", "--redirect-uri", redirect_uri, "--confidential")
    settings = f"""
[auth]
redirect_uri = "{redirect_uri}"
cookie_secret = "of a test"
client_id = "streamlit"
client_secret = "{secret}"
server_metadata_url = "{live_portal.url}/.well-known/openid-configuration"
client_kwargs = {{ "code_challenge_method" = "S256" }}
"""
    options = f"--server.port {port} --server.address localhost --server.headless true --browser.gatherUsageStats false"

    def make(directory: Path) -> Application:
        (directory / ".streamlit").mkdir()
        (directory / ".streamlit/secrets.toml").write_text(settings)
        command = [str(PYTHON), "-m", "streamlit", "run", str(CLIENTS / "streamlit_app.py"), *options.split()]
        return Application(directory, command, port)

    with running(make) as application:
        window = windows.open(locale="en-US")
        # What Streamlit's own page says of itself.
        windows.expect(application.url)
        windows.expect("webhooks.fivetran.com")
        window.goto(application.url)
        log_in_at(window, person)
        expect(window.get_by_text(person.name, exact=True)).to_be_visible()


@contextmanager
def serving(page: str, settings: dict[str, str], port: int) -> Iterator[str]:
    """A page of tests/clients at the root of an origin, the libraries beside it."""

    class Files(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/settings.json":
                body = json.dumps(settings).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)
                return
            if not self.path.startswith("/node_modules/"):
                self.path = f"/{page}"
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), partial(Files, directory=str(CLIENTS))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("page", ["oidc_client_ts.html", "keycloak_js.html"])
def test_a_page_logs_people_in(windows: Windows, live_portal: Portal, person: Person, page: str) -> None:
    port, client_id = free_port(), page.partition(".")[0].replace("_", "-")
    # keycloak-js takes a refresh token for a JWT.
    more = ("--grant", "authorization_code") if client_id == "keycloak-js" else ()
    register(live_portal, client_id, "--redirect-uri", f"http://localhost:{port}/", *more)
    with serving(page, {"issuer": live_portal.url, "client_id": client_id}, port) as address:
        window = windows.open(locale="en-US")
        window.goto(address)
        log_in_at(window, person)
        expect(window.get_by_text(person.name, exact=True)).to_be_visible()


def test_a_program_of_the_command_line_logs_people_in(windows: Windows, live_portal: Portal, person: Person) -> None:
    """On whatever loopback port the moment gives it (RFC 8252 section 7.3)."""
    register(live_portal, "loopback", "--redirect-uri", "http://127.0.0.1/callback")
    command = [str(PYTHON), str(CLIENTS / "loopback_cli.py"), live_portal.url, "loopback"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        window = windows.open(locale="en-US")
        windows.expect("favicon.ico")
        window.goto(program.stdout.readline().strip())
        log_in(window, person)
        expect(window.get_by_text("You may close this window.")).to_be_visible()
        assert program.stdout.readline().strip() == person.email


def test_a_backend_verifies_access_tokens_and_nothing_else(live_portal: Portal) -> None:
    """PyJWT, with the key that the token's header names: there are several, of two algorithms."""
    secret = register(
        live_portal, "pyjwt", "--confidential", "--grant", "client_credentials", "--scope", "read:features"
    )
    form = {"grant_type": "client_credentials", "client_id": "pyjwt", "client_secret": secret}
    answer = requests.post(f"{live_portal.url}/api/oauth/token", data=form, timeout=5).json()
    assert "access_token" in answer, answer
    token = answer["access_token"]
    command = [str(PYTHON), str(CLIENTS / "pyjwt_backend.py"), live_portal.url]
    judged = subprocess.run([*command, token], capture_output=True, text=True)
    assert (judged.returncode, judged.stdout) == (0, "pyjwt\n"), judged.stderr
    head, body, signature = token.split(".")
    forged = subprocess.run([*command, f"{head}.{body}.{signature[:-4]}AAAA"], capture_output=True, text=True)
    assert forged.returncode != 0


def test_the_documents_name_the_versions_that_were_tried() -> None:
    text = (PROJECT_ROOT / "docs/integrations.md").read_text()
    pins = dict(line.split("==") for line in (CLIENTS / "requirements.txt").read_text().split())
    pins |= json.loads((CLIENTS / "package.json").read_text())["dependencies"]
    for library in ("streamlit", "authlib", "fastapi", "django", "mozilla-django-oidc", "requests-oauthlib", "pyjwt"):
        assert pins[library] in text, library
    for library in (
        "express-openid-connect",
        "openid-client",
        "oidc-client-ts",
        "keycloak-js",
        "passport-openidconnect",
    ):
        assert pins[library] in text, library

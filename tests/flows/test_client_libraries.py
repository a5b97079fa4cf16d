"""Client libraries that teams already use, each its real package by its own documentation, log a person in.

The applications are in tests/clients. What connects each of them is the very block of the developers' page, put in
where its ``BLOCK`` stands; docs/integrations.md has the same blocks and names the versions.
"""

import json
import re
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
from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import Page, Route, expect

from app.portal import libraries
from tests.browser.people import Person, log_in, new_person
from tests.chromium import Windows
from tests.portal import Portal
from tests.servers import PROJECT_ROOT, Server, free_port, running

PATIENCE = 30_000
"""Milliseconds: an application that is started for a test may take a while on a busy machine."""

CLIENTS = PROJECT_ROOT / "tests" / "clients"
PYTHON = CLIENTS / ".venv" / "bin" / "python"
NODE = Path(sys.executable).with_name("node")
MADE = CLIENTS / ".made"
BLOCKS = Environment(loader=FileSystemLoader(PROJECT_ROOT / "templates/portal/libraries"), autoescape=False)  # noqa: S701
BLOCK = re.compile(r"^(?:#|//) BLOCK (\S+)$", re.MULTILINE)
SCOPE = "openid profile email"


def block(key: str, **values: str) -> str:
    """A block of the developers' page."""
    return BLOCKS.get_template(f"{key}.txt").render({**libraries.EXAMPLE, **values})


def composed(program: str, **values: str) -> str:
    """An application of tests/clients with its blocks filled in."""
    return BLOCK.sub(lambda found: block(found[1], **values), (CLIENTS / program).read_text())


def written(program: str, **values: str) -> Path:
    """The same as a file, where its libraries are found."""
    MADE.mkdir(exist_ok=True)
    name = values["client_id"].replace("-", "_") + Path(program).suffix
    (MADE / name).write_text(composed(program, **values))
    return MADE / name


class Application(Server):
    """A client application at ``url``, which gets its port and its secrets by its environment."""

    def __init__(self, directory: Path, command: list[str], port: int, secret: str = "", path: str = "") -> None:
        self.url = f"http://localhost:{port}{path}"
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CLIENTS),
            "PORT": str(port),
            "MAX_CLIENT_SECRET": secret,
            "SESSION_SECRET": "a long enough secret of a test, which protects nothing",
        }
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


def log_in_at(window: Page, person: Person, press: str = "") -> None:
    """Follow the application's link, press what its library asks for, and log in at the portal."""
    window.get_by_text("Log in", exact=True).click()
    if press:
        window.get_by_text(press, exact=True).click()
    log_in(window, person)
    expect(window.get_by_text(person.email, exact=True)).to_be_visible(timeout=PATIENCE)


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


# The block, whether the application shows a name, what to press after its own link, and what its client needs besides.
SERVERS: dict[str, tuple[str, bool, str, tuple[str, ...]]] = {
    "flask_authlib.py": ("authlib-flask", True, "", ()),
    "fastapi_authlib.py": ("authlib-fastapi", True, "", ()),
    "django_oidc.py": ("mozilla-django-oidc", False, "", ()),
    "django_allauth.py": ("django-allauth", False, "", ()),
    "django_social_auth.py": ("social-auth", False, "", ()),
    "express_openid_connect.mjs": ("express-openid-connect", True, "", ()),
    "authjs_express.mjs": ("authjs", True, "Sign in with MAX", ()),
    "passport_openidconnect.mjs": ("passport", True, "", ("--no-pkce",)),
}


def library(key: str) -> libraries.Library:
    return next(each for each in libraries.LIBRARIES if each.key == key)


def server(portal: Portal, program: str, client_id: str, *options: str) -> Any:
    """What starts an application whose client is registered as the developers' page says."""
    port, key = free_port(), SERVERS[program][0]
    origin = f"http://localhost:{port}"
    uri = libraries.redirect_uri(library(key), origin)
    more = ("--confidential", *SERVERS[program][3], *(each.format(origin=origin) for each in options))
    secret = register(portal, client_id, "--redirect-uri", uri, *more)
    path = written(program, issuer=portal.url, client_id=client_id, app=origin)
    interpreter = NODE if program.endswith(".mjs") else PYTHON
    return partial(Application, command=[str(interpreter), str(path)], port=port, secret=secret)


@pytest.mark.parametrize("program", SERVERS)
def test_a_server_logs_people_in(windows: Windows, live_portal: Portal, person: Person, program: str) -> None:
    _, shows_name, press, _ = SERVERS[program]
    with running(server(live_portal, program, program.partition(".")[0].replace("_", "-"))) as application:
        window = windows.open(locale="en-US")
        windows.expect("favicon.ico")
        windows.expect("authjs.dev/img")  # a picture on the page of Auth.js
        window.goto(application.url)
        log_in_at(window, person, press)
        if shows_name:
            expect(window.get_by_text(person.name, exact=True)).to_be_visible()


def test_logging_out_at_an_application_logs_out_of_the_portal(
    windows: Windows, live_portal: Portal, person: Person
) -> None:
    """express-openid-connect with idpLogout, by the metadata's end_session_endpoint."""
    back = ("--post-logout-redirect-uri", "{origin}")
    with running(server(live_portal, "express_openid_connect.mjs", "express-logout", *back)) as application:
        window = windows.open(locale="en-US")
        windows.expect("favicon.ico")
        window.goto(application.url)
        log_in_at(window, person)
        window.get_by_text("Log out", exact=True).click()
        expect(window.get_by_text("Log in", exact=True)).to_be_visible()
        assert window.url.rstrip("/") == application.url
        window.goto(f"{live_portal.url}/account")
        expect(window.locator("input[name=password]")).to_be_visible()


def swagger(route: Route) -> None:
    """What FastAPI's page loads from elsewhere, from the package it comes from."""
    route.fulfill(path=CLIENTS / "node_modules/swagger-ui-dist" / Path(route.request.url).name)


def test_the_documentation_page_of_fastapi_logs_in_and_calls(
    windows: Windows, live_portal: Portal, person: Person
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    register(live_portal, "fastapi-docs", "--redirect-uri", libraries.redirect_uri(library("fastapi-docs"), origin))
    path = written("fastapi_docs.py", issuer=live_portal.url, client_id="fastapi-docs", app=origin)
    with running(partial(Application, command=[str(PYTHON), str(path)], port=port, path="/docs")) as application:
        window = windows.open(locale="en-US")
        window.context.route("https://cdn.jsdelivr.net/**", swagger)
        window.context.route("https://fastapi.tiangolo.com/**", lambda route: route.fulfill(status=204))
        window.goto(application.url)
        window.get_by_role("button", name="Authorize").click()
        with window.expect_popup() as opened:
            window.locator(".auth-btn-wrapper .authorize").click()
        log_in(opened.value, person)
        window.get_by_role("button", name="Close").last.click()
        window.get_by_text("/me", exact=True).click()
        window.get_by_role("button", name="Try it out").click()
        window.get_by_role("button", name="Execute").click()
        expect(window.locator(".responses-table.live-responses-table").get_by_text(person.email)).to_be_visible()


def test_streamlit_logs_people_in(windows: Windows, live_portal: Portal, person: Person) -> None:
    port = free_port()
    redirect_uri = f"http://localhost:{port}/oauth2callback"
    secret = register(live_portal, "streamlit", "--redirect-uri", redirect_uri, "--confidential")
    values = {"issuer": live_portal.url, "client_id": "streamlit", "app": f"http://localhost:{port}", "secret": secret}
    settings = block("streamlit", **values)
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
        expect(window.get_by_text(person.name, exact=True)).to_be_visible(timeout=PATIENCE)


@contextmanager
def serving(page: str, port: int) -> Iterator[str]:
    """A page at every path of an origin, the libraries beside it."""

    class Files(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/node_modules/"):
                super().do_GET()
                return
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

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
    uri = libraries.redirect_uri(library(client_id), f"http://localhost:{port}")
    register(live_portal, client_id, "--redirect-uri", uri, *more)
    with serving(composed(page, issuer=live_portal.url, client_id=client_id), port) as address:
        window = windows.open(locale="en-US")
        window.goto(address)
        log_in_at(window, person)
        expect(window.get_by_text(person.name, exact=True)).to_be_visible()


def test_a_program_of_the_command_line_logs_people_in(windows: Windows, live_portal: Portal, person: Person) -> None:
    """On whatever loopback port the moment gives it (RFC 8252 section 7.3)."""
    register(live_portal, "loopback", "--redirect-uri", library("requests-oauthlib").callback)
    path = written("loopback_cli.py", issuer=live_portal.url, client_id="loopback")
    environment = {"PATH": "/usr/bin:/bin", "ISSUER": live_portal.url}
    with subprocess.Popen([str(PYTHON), str(path)], stdout=subprocess.PIPE, text=True, env=environment) as program:
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
    command = [str(PYTHON), str(written("pyjwt_backend.py", issuer=live_portal.url, client_id="pyjwt"))]
    judged = subprocess.run([*command, token], capture_output=True, text=True)
    assert (judged.returncode, judged.stdout) == (0, "pyjwt\n"), judged.stderr
    head, body, signature = token.split(".")
    forged = subprocess.run([*command, f"{head}.{body}.{signature[:-4]}AAAA"], capture_output=True, text=True)
    assert forged.returncode != 0


def test_what_is_marked_as_tested_is_what_these_applications_run() -> None:
    run = {found[1] for path in CLIENTS.iterdir() if path.is_file() for found in BLOCK.finditer(path.read_text())}
    assert run | {"streamlit"} == {each.key for each in libraries.LIBRARIES if each.is_tested}


def test_the_documents_name_the_versions_that_were_tried() -> None:
    text = (PROJECT_ROOT / "docs/integrations.md").read_text()
    pins = dict(line.split("==") for line in (CLIENTS / "requirements.txt").read_text().split())
    pins |= json.loads((CLIENTS / "package.json").read_text())["dependencies"]
    for each in (
        *("streamlit", "authlib", "fastapi", "django", "mozilla-django-oidc", "django-allauth"),
        *("social-auth-app-django", "requests-oauthlib", "pyjwt", "@auth/express", "express-openid-connect"),
        *("openid-client", "oidc-client-ts", "keycloak-js", "passport-openidconnect"),
    ):
        assert pins[each] in text, each

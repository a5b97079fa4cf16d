"""R23: applications that asked to hear of logouts are down or hang. The person who logs out does not wait for them."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from app.wiring import Services
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Stand, on_postgresql, on_sqlite
from tests.conformance.id_tokens import claims
from tests.flows.live_client import LiveClient, by_services, rows
from tests.relying_party import PASSWORD, REDIRECT_URI
from tests.servers import free_port

APPLICATIONS = 200
EMAIL = "everywhere@example.com"
LOGOUT_SECONDS = 1.0
DELIVERED_SECONDS = 90.0


@dataclass
class Receivers:
    """The back-channel logout endpoints of all applications, on one port; ``heard`` counts by path."""

    port: int = field(default_factory=free_port)
    heard: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Connections are accepted by the system, and nobody reads them."""
        with socket.socket() as door:
            door.bind(("127.0.0.1", self.port))
            door.listen(512)
            yield

    @contextmanager
    def answering(self) -> Iterator[None]:
        """As they should."""
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                told = claims(form["logout_token"][0])
                heard[f"{told['aud']} {told['sid']}"] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        class Server(ThreadingHTTPServer):
            request_queue_size = 512

        with Server(("127.0.0.1", self.port), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield
            server.shutdown()


def down(run: Run) -> None:
    """Nobody listens."""
    receivers = Receivers()
    session = _log_in_everywhere(run.stand, receivers)
    _log_out(run, session)
    time.sleep(run.seconds(15, 60))
    _all_hear(run, receivers)


def hanging(run: Run) -> None:
    """They accept connections and never answer."""
    receivers = Receivers()
    session = _log_in_everywhere(run.stand, receivers)
    with receivers.hanging():
        _log_out(run, session)
        time.sleep(run.seconds(15, 60))
    _all_hear(run, receivers)


def _log_in_everywhere(stand: Stand, receivers: Receivers) -> LiveClient:
    """Register the applications and use each in one session; answers the person's browser."""
    uri = f"http://127.0.0.1:{receivers.port}/logout"

    def register(services: Services) -> None:
        for number in range(APPLICATIONS):
            services.clients.create(
                f"listener-{number}",
                redirects=[REDIRECT_URI],
                scopes=["openid", "profile"],
                consent_policy="implicit",
                backchannel_logout_uri=uri,
            )
        services.accounts.create(EMAIL, PASSWORD, name="Ada", is_verified=True)

    by_services(stand.portal, register)
    browser = LiveClient(stand.portal, "listener-0")
    assert browser.log_in(EMAIL, PASSWORD).status_code == 303
    for number in range(APPLICATIONS):
        browser.client_id = f"listener-{number}"
        assert "access_token" in browser.redeem(_code(browser)).json()
    return browser


def _code(browser: LiveClient) -> str:
    """A code of an application that may not ask for offline access."""
    answer = browser.authorize(scope="openid profile")
    return answer.headers["Location"].partition("code=")[2].partition("&")[0]


def _log_out(run: Run, browser: LiveClient) -> None:
    page = browser.browse("GET", "/logout").text
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    began = time.monotonic()
    answer = browser.browse("POST", "/logout", data={"csrf_token": token})
    seconds = time.monotonic() - began
    run.has_bitten = True
    run.facts.append(f"logout from {APPLICATIONS} applications answered in {seconds:.2f} s")
    if answer.status_code != 303 or seconds > LOGOUT_SECONDS:
        run.problems.append(f"logout: {answer.status_code} in {seconds:.2f} s")


def _all_hear(run: Run, receivers: Receivers) -> None:
    """Everything is delivered once they are back, and nothing was tried without bound before."""
    tried = rows(
        run.stand.portal,
        "SELECT max(attempts) AS most, count(*) AS count FROM deliveries WHERE done_at IS NULL AND kind = :kind",
        kind="backchannel_logout",
    )
    most, waiting = tried[0]["most"] or 0, tried[0]["count"]
    if waiting != APPLICATIONS or most > 4:
        run.problems.append(f"{waiting} notices wait, {most} attempts at most")
    began = time.monotonic()
    with receivers.answering():
        run.stand.portal.flask("mail", "retry")
        while len(receivers.heard) < APPLICATIONS and time.monotonic() < began + DELIVERED_SECONDS:
            time.sleep(0.1)
        time.sleep(1)
    run.facts.append(f"all delivered {time.monotonic() - began - 1:.0f} s after they were back")
    if len(receivers.heard) != APPLICATIONS or max(receivers.heard.values()) > 1:
        run.problems.append(f"{len(receivers.heard)} heard, {max(receivers.heard.values(), default=0)} times at most")


ROWS = (
    Row("R23 down", "200 logout receivers down", on_sqlite, down, people=4),
    Row("R23 hang", "200 logout receivers accept and never answer", on_postgresql, hanging, people=4),
)

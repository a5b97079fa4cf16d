"""Applications that registered for it hear of every ended session, however it ended, and nobody waits for them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from app.services.delivery.logout_notices import KIND
from app.services.delivery.outbox import Parcel
from app.services.foundation.environment import NOBODY
from tests.conformance.id_tokens import claims
from tests.flows.live_client import LiveClient, by_services, rows
from tests.portal import Portal
from tests.relying_party import EMAIL, PASSWORD, REDIRECT_URI
from tests.servers import free_port

pytestmark = pytest.mark.timed

on_both_stores = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)
PATIENCE = 15.0
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class Receiver:
    """An application's back-channel logout endpoint: answers what it is told to, keeps what it gets."""

    port: int = field(default_factory=free_port)
    answers: list[int] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    location: str = ""
    _server: ThreadingHTTPServer | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/logout"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.received.append({"path": self.path, "type": self.headers["Content-Type"], **parse_qs(body)})
                time.sleep(receiver.seconds)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def tokens(self, count: int = 1) -> list[str]:
        """The logout tokens, once there are so many."""
        wait_until(lambda: len(self.received) >= count)
        return [each["logout_token"][0] for each in self.received]


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> str:
    live_portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--name", "Ada", "--verified")
    return EMAIL


@dataclass
class Scene:
    """A person who is logged in to the portal and, by it, to an application."""

    portal: Portal
    app: LiveClient
    tokens: dict[str, Any]

    def log_out(self) -> requests.Response:
        """By the portal's own page."""
        page = self.app.browse("GET", "/logout").text
        token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
        return self.app.browse("POST", "/logout", data={"csrf_token": token})

    def told(self, logout_token: str) -> dict[str, Any]:
        """What a logout token says, checked as an application would."""
        keys = KeySet.import_key_set(requests.get(f"{self.portal.url}/.well-known/jwks.json", timeout=PATIENCE).json())
        decoded = jwt.decode(logout_token, keys, algorithms=["RS256"])
        assert decoded.header["typ"] == "logout+jwt"
        return dict(decoded.claims)


def signed_in(portal: Portal, client_id: str, uri: str = "", consent: str = "implicit") -> Scene:
    """A new application, and a login to it."""
    options = ["--redirect-uri", REDIRECT_URI, "--scope", "openid profile offline_access", "--consent", consent]
    portal.flask("clients", "create", client_id, *options, *(["--backchannel-logout-uri", uri] if uri else []))
    app = LiveClient(portal, client_id)
    assert app.log_in(EMAIL, PASSWORD).status_code == 303
    return Scene(portal, app, app.tokens())


@on_both_stores
def test_logging_out_tells_the_application_by_a_logout_token(
    live_portal: Portal, person: str, receiver: Receiver
) -> None:
    scene = signed_in(live_portal, "told", receiver.uri)
    other = LiveClient(live_portal, "told")
    assert other.log_in(EMAIL, PASSWORD).status_code == 303
    began = time.time()
    assert scene.log_out().status_code == 303
    (token,) = receiver.tokens()
    told = scene.told(token)
    assert receiver.received[0]["path"] == "/logout"
    assert receiver.received[0]["type"] == "application/x-www-form-urlencoded"
    sid = sid_of(scene.tokens["access_token"])
    assert (told["iss"], told["aud"], told["sid"]) == (live_portal.url, "told", sid)
    assert told["sub"] == claims(scene.tokens["id_token"])["sub"]
    assert told["events"] == {EVENT: {}}
    assert "nonce" not in told
    assert began - 2 <= told["iat"] < told["exp"] <= told["iat"] + 120
    # The session that did not reach the application is nobody's business.
    assert other.authorize().status_code == 302
    time.sleep(0.5)
    assert len(receiver.received) == 1


@on_both_stores
def test_a_logout_token_is_no_other_token(live_portal: Portal, person: str, receiver: Receiver) -> None:
    scene = signed_in(live_portal, "confused", receiver.uri)
    scene.log_out()
    (token,) = receiver.tokens()
    assert scene.app.userinfo(token).status_code == 401
    hinted = scene.app.authorize(id_token_hint=token)
    assert hinted.status_code == 400 or "error=" in hinted.headers.get("Location", "")
    refused = requests.get(
        f"{live_portal.url}/api/oauth/logout", params={"id_token_hint": token}, timeout=PATIENCE, allow_redirects=False
    )
    assert refused.status_code == 400


@on_both_stores
def test_every_way_a_session_ends_is_told(live_portal: Portal, person: str, receiver: Receiver) -> None:
    signed_in(live_portal, "everyway", receiver.uri)
    ways: list[Callable[[], object]] = [
        lambda: live_portal.flask("sessions", "end", "--user", EMAIL),
        lambda: live_portal.flask("users", "set-password", EMAIL, "--password", PASSWORD),
        lambda: by_services(live_portal, lambda services: services.sessions.end(newest, "test", NOBODY)),
    ]
    for end in ways:
        app = LiveClient(live_portal, "everyway")
        assert app.log_in(EMAIL, PASSWORD).status_code == 303
        newest = sid_of(app.tokens()["access_token"])
        end()
        wait_until(lambda sid=newest: sid in {sid_of(token) for token in receiver.tokens()})  # type: ignore[misc]


@on_both_stores
def test_an_application_that_is_down_holds_nobody_up_and_hears_of_it_later(live_portal: Portal, person: str) -> None:
    receiver = Receiver()
    scene = signed_in(live_portal, "down", receiver.uri)
    assert scene.log_out().status_code == 303
    (notice,) = _notices(live_portal, "down", lambda found: found[0]["attempts"] == 1 and found[0]["error"] != "")
    assert notice["error"] == "no_answer:ConnectionError"
    receiver.start()
    live_portal.flask("mail", "retry")
    assert scene.told(receiver.tokens()[0])["aud"] == "down"
    (notice,) = _notices(live_portal, "down", lambda found: found[0]["done_at"] is not None)
    assert notice["sealed"] == ""
    receiver.stop()


@on_both_stores
def test_a_refusal_is_retried_and_a_redirect_is_not_followed(
    live_portal: Portal, person: str, receiver: Receiver
) -> None:
    elsewhere = Receiver()
    elsewhere.start()
    receiver.answers, receiver.location = [302], elsewhere.uri
    scene = signed_in(live_portal, "redirects", receiver.uri)
    scene.log_out()
    receiver.tokens()
    (notice,) = _notices(live_portal, "redirects", lambda found: found[0]["error"] != "")
    assert notice["error"] == "answered:302"
    assert elsewhere.received == []
    live_portal.flask("mail", "retry")
    first, second = (scene.told(token) for token in receiver.tokens(2))
    assert first["sid"] == second["sid"]
    assert first["jti"] != second["jti"]
    elsewhere.stop()


@on_both_stores
def test_a_refusal_is_final_and_on_record(live_portal: Portal, person: str, receiver: Receiver) -> None:
    receiver.answers = [400]
    signed_in(live_portal, "refuses", receiver.uri).log_out()
    (notice,) = _notices(live_portal, "refuses", lambda found: found[0]["given_up_at"] is not None)
    assert (notice["error"], notice["attempts"], notice["sealed"]) == ("answered:400", 1, "")
    live_portal.flask("mail", "retry")
    time.sleep(1)
    assert len(receiver.received) == 1


@on_both_stores
def test_an_application_that_drips_keeps_no_other_from_hearing(
    live_portal: Portal, person: str, receiver: Receiver
) -> None:
    """More notices wait for it than the portal has messengers; each takes the whole time there is."""
    dripping = socket.create_server(("127.0.0.1", 0), backlog=100)
    uri = f"http://127.0.0.1:{dripping.getsockname()[1]}/logout"
    options = ["--redirect-uri", REDIRECT_URI, "--scope", "openid"]
    live_portal.flask("clients", "create", "drips", *options, "--backchannel-logout-uri", uri)
    threading.Thread(target=drip, args=(dripping,), daemon=True).start()
    quick = signed_in(live_portal, "quick", receiver.uri)
    parcels = [Parcel({"user_id": "u", "session_id": str(number)}, None, "drips") for number in range(60)]
    by_services(live_portal, lambda services: services.outbox.add_all(KIND, parcels, life=timedelta(minutes=10)))
    time.sleep(6)  # every process has seen what another one queued
    quick.log_out()
    receiver.tokens()
    # It came last and is heard of before those that came first.
    assert rows(live_portal, "SELECT id FROM deliveries WHERE client_id = 'drips' AND attempts = 0")
    dripping.close()


def drip(listener: socket.socket) -> None:
    """Answer every connection with a byte every other second."""

    def answer(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            for byte in b"HTTP/1.1 200 OK":
                sock.sendall(bytes([byte]))
                time.sleep(2)

    with suppress(OSError):
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


@on_both_stores
def test_a_client_that_no_longer_wants_to_know_is_told_nothing(
    live_portal: Portal, person: str, receiver: Receiver
) -> None:
    scene = signed_in(live_portal, "changed-mind", receiver.uri)
    live_portal.flask("clients", "set-backchannel-logout", "changed-mind")
    scene.log_out()
    assert rows(live_portal, "SELECT id FROM deliveries WHERE client_id = :client", client="changed-mind") == []


@pytest.mark.parametrize(
    "uri", ["http://app.example.com/logout", "https://app.example.com/#x", "com.example.app:/logout", "nonsense"]
)
def test_only_addresses_the_portal_may_call_are_registered(live_portal: Portal, uri: str) -> None:
    with pytest.raises(AssertionError, match=r"Error"):
        live_portal.flask("clients", "create", "bad", "--redirect-uri", REDIRECT_URI, "--backchannel-logout-uri", uri)


def sid_of(token: str) -> str:
    return str(claims(token)["sid"])


def _notices(portal: Portal, client_id: str, when: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The deliveries of a client, once they are as expected."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        found[:] = rows(portal, "SELECT * FROM deliveries WHERE client_id = :client", client=client_id)
        return bool(found) and when(found)

    wait_until(are_there)
    return found

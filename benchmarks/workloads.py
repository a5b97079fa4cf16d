"""What is asked of the portal: the five workloads a client's backend and its people's browsers make."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from benchmarks.load import Connection, Operation
from tests.portal import Portal
from tests.relying_party import CHALLENGE, VERIFIER

REDIRECT_URI = "http://127.0.0.1:9/callback"
SCOPE = "openid profile email offline_access read:profile"
EMAIL, PASSWORD = "bench@example.com", "correct horse battery 9"
NAMES = {
    "a": "client credentials",
    "b": "userinfo",
    "c": "refresh with rotation",
    "d": "silent authorize + code exchange",
    "e": "discovery document",
}


@dataclass
class Client:
    """A first-party confidential client and the session cookie of a person; makes the operations of each workload."""

    basic: str
    cookie: str

    @classmethod
    def of(cls, portal: Portal) -> "Client":
        """Register the client and log the person in, as operators and people do."""
        portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--name", "Bench", "--verified")
        grants = ["--grant", "authorization_code", "--grant", "refresh_token", "--grant", "client_credentials"]
        options = ["--json", "--confidential", "--consent", "implicit", "--redirect-uri", REDIRECT_URI]
        made = json.loads(portal.flask("clients", "create", "bench", *options, "--scope", SCOPE, *grants))
        browser = requests.Session()
        page = browser.get(f"{portal.url}/login", timeout=10).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1] if token else ""}
        browser.post(f"{portal.url}/login", data=form, timeout=10).raise_for_status()
        basic = base64.b64encode(f"bench:{made['client_secret']}".encode()).decode()
        return cls(f"Basic {basic}", f"portal_session={browser.cookies['portal_session']}")

    def operation(self, letter: str, port: int) -> Operation:
        """The operation of a workload on a connection of its own."""
        connection = Connection(port)
        made: dict[str, Any] = {
            "a": lambda: self._service(connection),
            "b": self._userinfo(connection) if letter == "b" else None,
            "c": self._refresh(connection) if letter == "c" else None,
            "d": lambda: "refresh_token" in self.flow(connection),
            "e": lambda: connection.ask(_get("/.well-known/openid-configuration"))[0] == 200,
        }
        operation: Operation = made[letter]
        return operation

    def flow(self, connection: Connection) -> dict[str, Any]:
        """A silent authorization and the exchange of its code; empty where one of them failed."""
        query = {
            "response_type": "code",
            "client_id": "bench",
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "s",
            "nonce": "n",
            "prompt": "none",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        request = _get(f"/api/oauth/authorize?{urlencode(query)}", f"Cookie: {self.cookie}")
        _, headers, _ = connection.ask(request)
        code = parse_qs(urlsplit(headers.get("location", "")).query).get("code")
        if not code:
            return {}
        form = {"code": code[0], "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return self._token(connection, grant_type="authorization_code", **form)

    def _service(self, connection: Connection) -> bool:
        return "access_token" in self._token(connection, grant_type="client_credentials", scope="read:profile")

    def _userinfo(self, connection: Connection) -> Operation:
        request = _get("/api/oauth/userinfo", f"Authorization: Bearer {self.flow(connection)['access_token']}")
        return lambda: connection.ask(request)[0] == 200

    def _refresh(self, connection: Connection) -> Operation:
        chain = [self.flow(connection)["refresh_token"]]

        def rotate() -> bool:
            new = self._token(connection, grant_type="refresh_token", refresh_token=chain[0]).get("refresh_token")
            is_rotated = new not in (None, chain[0])
            chain[0] = new or chain[0]
            return is_rotated

        return rotate

    def _token(self, connection: Connection, **form: str) -> dict[str, Any]:
        body = urlencode(form)
        head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}"
        request = f"POST /api/oauth/token HTTP/1.1\r\nHost: localhost\r\nAuthorization: {self.basic}\r\n{head}\r\n\r\n"
        status, _, answer = connection.ask(request.encode() + body.encode())
        return dict(json.loads(answer)) if status == 200 else {}


def _get(path: str, header: str = "Accept: */*") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode()

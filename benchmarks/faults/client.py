"""What a client application and its people's browsers ask of the portal."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.faults.wire import Answer, Line
from tests.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER

GOODBYE = "https://client.example.com/goodbye"
SCOPE = "openid profile offline_access"
CLIENT_ID = "faults"
SESSION_COOKIE = "portal_session"


@dataclass(frozen=True)
class Client:
    """A confidential client; every method is one request and answers what came back."""

    secret: str

    def authorize(self, line: Line, cookies: Mapping[str, str], *, is_silent: bool) -> Answer:
        """The authorization request of a browser."""
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "s",
            "nonce": "n",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **({"prompt": "none"} if is_silent else {}),
        }
        return line.ask("authorize", "GET", f"/api/oauth/authorize?{urlencode(query)}", headers=jar(cookies))

    def redeem(self, line: Line, code: str) -> Answer:
        """Redeem a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self._post(line, "code", "token", {**form, "code_verifier": VERIFIER})

    def refresh(self, line: Line, token: str) -> Answer:
        """Use a refresh token."""
        return self._post(line, "refresh", "token", {"grant_type": "refresh_token", "refresh_token": token})

    def introspect(self, line: Line, token: str) -> Answer:
        """Ask what a token is worth."""
        return self._post(line, "introspect", "introspect", {"token": token})

    def revoke(self, line: Line, token: str) -> Answer:
        """End a token."""
        return self._post(line, "revoke", "revoke", {"token": token})

    def userinfo(self, line: Line, token: str) -> Answer:
        """Ask who a token speaks for."""
        return line.ask("userinfo", "GET", "/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})

    def log_out(self, line: Line, cookies: Mapping[str, str], id_token: str) -> Answer:
        """End the session of a browser, as an application asks for it."""
        query = urlencode({"id_token_hint": id_token, "post_logout_redirect_uri": GOODBYE})
        return line.ask("logout", "GET", f"/api/oauth/logout?{query}", headers=jar(cookies))

    def _post(self, line: Line, kind: str, path: str, form: Mapping[str, str]) -> Answer:
        basic = base64.b64encode(f"{CLIENT_ID}:{self.secret}".encode()).decode()
        return line.ask(kind, "POST", f"/api/oauth/{path}", form, {"Authorization": f"Basic {basic}"})


def jar(cookies: Mapping[str, str]) -> dict[str, str]:
    """The header that sends cookies."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}

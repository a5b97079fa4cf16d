"""Backends with service tokens, speaking JSON to a portal inside this process."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.relying_party import add_client

PREFIX = "/api/admin/oauth/service"
SCOPES = ("admin:oauth", "admin:users", "admin:system", "admin:full")


def service_token(app: Flask, client_id: str, scope: str = "", allowed: tuple[str, ...] = SCOPES) -> str:
    """A token of a new service, asked for as backends do."""
    secret = add_client(
        app, client_id, redirects=[], scopes=allowed, grants=["client_credentials"], is_confidential=True
    )
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    answer = app.test_client().post("/api/oauth/token", data=form, auth=(client_id, secret or ""))
    assert answer.status_code == 200, answer.json
    return str(answer.json["access_token"])


class Backend:
    """A service with a token of these scopes; ``client_id`` is its client."""

    def __init__(
        self, app: Flask, scope: str = "admin:full", client_id: str = "", allowed: tuple[str, ...] = SCOPES
    ) -> None:
        self.app = app
        self.client_id = client_id or f"service-{scope.replace(':', '-').replace(' ', '-')}"
        self.token = service_token(app, self.client_id, scope, allowed)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Any request below the prefix, with the token."""
        named = {"Authorization": f"Bearer {self.token}", **headers}
        arguments = {} if body is None else {"json": body}
        return self.app.test_client().open(PREFIX + path, method=method, headers=named, **arguments)

    def get(self, path: str, status: int = 200) -> Any:
        """What is answered to a question, as JSON."""
        answer = self.send("GET", path)
        assert answer.status_code == status, answer.text
        return answer.json

    def done(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """What is answered to a change, as JSON."""
        answer = self.send(method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json

    def all_pages(self, path: str, name: str, limit: int) -> list[Any]:
        """All rows of a list, page by page."""
        found: list[Any] = []
        joined, cursor = "&" if "?" in path else "?", ""
        while True:
            part = self.get(f"{path}{joined}limit={limit}{cursor}")
            assert len(part[name]) <= limit
            found += part[name]
            if part["next"] is None:
                return found
            cursor = f"&cursor={part['next']}"

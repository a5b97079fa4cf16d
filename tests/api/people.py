"""Ada and her front end, speaking JSON to a portal inside this process."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.relying_party import EMAIL, PASSWORD

API = "/api/v1/auth"
ISSUER = "http://localhost:8000"
NEW_PASSWORD = "quite another horse battery 7"
CLEARED = '"cache", "storage"'


class FrontEnd:
    """A browser in which a first-party front end runs, with the access token it holds."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.browser: FlaskClient = app.test_client()
        self.token = ""

    def log_in(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> TestResponse:
        """Log in by the API and keep the token."""
        response = self.post("/login", {"email": email, "password": password, **more})
        self.token = response.json.get("access_token", "")
        return response

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send JSON, or nothing."""
        return self.send("POST", path, body, **headers)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Ask, with the token."""
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Any request below the API's prefix, with the token if there is one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        address = path if path.startswith("/api/") else API + path
        arguments = {} if body is None else {"json": body}
        return self.browser.open(address, method=method, headers=named, **arguments)

    @property
    def refresh_token(self) -> str:
        """What the cookie holds."""
        found = self.browser.get_cookie("portal_refresh")
        return found.value if found else ""

    def is_logged_in(self) -> bool:
        """Whether the access token still counts."""
        return self.get("/me").status_code == 200


def refusal(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """A refusal in the one documented shape; gives it."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    body: dict[str, Any] = response.json
    assert set(body) - {"fields"} == {"error", "error_description", "request_id"}, body
    assert (body["error"], body["request_id"]) == (code, response.headers["X-Request-ID"])
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert ("fields" in body) == (code == "invalid_input")
    assert ("WWW-Authenticate" in response.headers) == (status == 401 or code == "insufficient_scope")
    assert ("Retry-After" in response.headers) == (status in {429, 503})
    return body


def fields(response: TestResponse) -> dict[str, str]:
    """What is said of which field."""
    named = refusal(response, 400, "invalid_input")["fields"]
    assert all(set(each) == {"field", "message"} for each in named)
    return {each["field"]: each["message"] for each in named}


def cookies(response: TestResponse) -> dict[str, str]:
    """The cookies an answer sets, with their attributes."""
    return {each.partition("=")[0]: each for each in response.headers.getlist("Set-Cookie")}

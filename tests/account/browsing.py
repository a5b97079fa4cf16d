"""What people do on account pages, and what is true afterwards."""

from html import unescape
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.relying_party import csrf_token

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


class Facts:
    """Asks the database itself."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def all(self, statement: str, **values: Any) -> list[Any]:
        """The rows of a statement."""
        with self.app.app_context():
            return list(self.app.extensions["services"].db.session.execute(sa.text(statement), values))

    def one(self, statement: str, **values: Any) -> Any:
        """The only value of a statement."""
        ((value,),) = self.all(statement, **values)
        return value

    def do(self, statement: str, **values: Any) -> None:
        """Change something."""
        with self.app.app_context():
            services = self.app.extensions["services"]
            services.db.session.execute(sa.text(statement), values)
            services.db.session.commit()


def english(app: Flask, user_agent: str = "") -> FlaskClient:
    """The browser of somebody who reads English."""
    browser = app.test_client()
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    if user_agent:
        browser.environ_base["HTTP_USER_AGENT"] = user_agent
    return browser


def send(browser: FlaskClient, path: str, page: str = "", **form: str) -> TestResponse:
    """Send a form of ``page`` to ``path``."""
    return browser.post(path, data={"csrf_token": csrf_token(browser, page or path), **form})


def shown(response: TestResponse) -> str:
    """A page as it is read: characters instead of entities, every gap one space."""
    assert response.status_code == 200, response.text
    return " ".join(unescape(response.text).split())

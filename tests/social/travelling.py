"""Somebody whose browser goes to a provider and back."""

import re
from html import unescape
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.providers import Providers

ENGLISH = {"Accept-Language": "en"}
NAMES = ("google", "kakao", "naver", "discord", "acme")


class Traveller:
    """A person at a browser; the portal is inside this process, the providers are at real sockets."""

    def __init__(self, app: Flask, providers: Providers) -> None:
        self.app = app
        self.providers = providers
        self.browser: FlaskClient = app.test_client()
        self.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"

    def depart(self, provider: str, query: str = "", prefix: str = "/auth") -> str:
        """Begin; answers where the portal sends one."""
        response = self.browser.get(f"{prefix}/{provider}?{query}".rstrip("?"))
        assert response.status_code == 302, response.text
        return response.location

    def come_back(self, provider: str, address: str, person: str = "kim", **fields: str) -> TestResponse:
        """Decide at the provider, and follow it back."""
        return self.browser.get(path_of(self.providers[provider].visit(address, person, **fields)))

    def log_in(self, provider: str, person: str = "kim", query: str = "", **fields: str) -> TestResponse:
        """There and back."""
        return self.come_back(provider, self.depart(provider, query), person, **fields)

    def send(self, path: str, **fields: str) -> TestResponse:
        """Fill in the form of a page, and send it there."""
        return self.browser.post(path, data={**self.form_of(path), **fields})

    def form_of(self, path: str) -> dict[str, str]:
        """What protects the forms of a page."""
        return hidden_fields(self.browser.get(path).text)

    def join(self, response: TestResponse, **fields: str) -> TestResponse:
        """Agree to a new account as the page proposes it."""
        assert response.status_code == 303, response.text
        path = response.location
        page = self.browser.get(path)
        assert page.status_code == 200, (path, page.status_code, page.location)
        return self.browser.post(path, data={**fields_of(page.text), **fields})

    @property
    def account(self) -> dict[str, str] | None:
        """Who is logged in at this browser."""
        page = self.browser.get("/account/profile")
        if page.status_code != 200:
            return None
        return fields_of(page.text)


def path_of(url: str) -> str:
    """What a browser asks the portal for."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    return {name: value for name, value in fields_of(page).items() if name == "csrf_token"}


def fields_of(page: str) -> dict[str, str]:
    """Every field of a page's forms with what stands in it."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in attributes:
            found[attributes["name"]] = unescape(attributes.get("value", ""))
    return found

"""The browser without script, speaking to a portal inside this process."""

from types import SimpleNamespace
from typing import Any

from flask import Flask

from tests.browser_http import HttpBrowser


class InProcessBrowser(HttpBrowser):
    """As :class:`HttpBrowser`, with its cookies in a Flask test client."""

    def __init__(self, app: Flask, origin: str) -> None:
        super().__init__(origin)
        self._session.close()
        self._session = _Session(app, dict(self._session.headers))


class _Session:
    """The part of ``requests.Session`` that the browser uses."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        self._client = app.test_client()
        self._headers = {name: headers[name] for name in ("Accept", "Accept-Language")}

    def request(
        self,
        method: str,
        url: str,
        *,
        params: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **_: Any,
    ) -> SimpleNamespace:
        answer = self._client.open(
            url, method=method, query_string=params, data=data, headers={**self._headers, **(headers or {})}
        )
        return SimpleNamespace(
            url=url,
            status_code=answer.status_code,
            text=answer.text,
            headers=answer.headers,
            is_redirect="Location" in answer.headers,
        )

    def close(self) -> None:
        """Nothing is held open."""

"""Refusals at the authorization endpoint: a page when there is nowhere safe to go, else an answer to the client."""

from app.errors import PortalError, sentence
from app.web.error_pages import Action, Developer

LOCALHOST = sentence(
    "For a port that varies use 127.0.0.1: register http://127.0.0.1 and send it with the port, instead of localhost."
)
"""RFC 8252 sections 7.3 and 8.3."""


class UnsafeRequest(PortalError):
    """The client or the redirect URI cannot be trusted, so the browser stays here (:rfc:`6749#section-4.1.2.1`).

    People read ``message``; developers read what was received and how to mend it, operators the ``reason``, a constant.
    """

    def __init__(
        self,
        code: str,
        message: str,
        reason: str,
        *,
        facts: dict[str, str],
        fixes: list[str],
        client_id: str | None = None,
        actions: list[Action] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.client_id = client_id
        self.developer = Developer(code, [(name, value[:2000]) for name, value in facts.items()], fixes)
        self.actions = actions


class RefusedRequest(Exception):
    """An error the client is told of by redirect; ``error`` and ``description`` are protocol constants."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description

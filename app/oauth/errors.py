"""Refusals at the authorization endpoint: a page when there is nowhere safe to go, else an answer to the client."""

from enum import StrEnum

from app.errors import Cause, PortalError, sentence
from app.services.clients.differences import LONGEST_SHOWN, visible
from app.web.error_pages import Action, Developer, Explanation

LOCALHOST = sentence(
    "For a port that varies use 127.0.0.1: register http://127.0.0.1 and send it with the port, instead of localhost."
)
"""RFC 8252 sections 7.3 and 8.3."""


class Clause(StrEnum):
    """What decides, for developers to read up."""

    ONCE = "RFC 6749 section 3.1, Authorization Endpoint"
    ONE_CLIENT = "RFC 6749 section 4.1.1, Authorization Request"
    UNKNOWN_CLIENT = "RFC 6749 section 4.1.2.1, Error Response"
    REQUIRED = "RFC 6749 section 3.1.2.3, Dynamic Configuration"
    REQUIRED_BY_OPENID = "OpenID Connect Core 1.0 section 3.1.2.1, Authentication Request"
    EXACT = "RFC 9700 section 2.1, Protecting Redirect-Based Flows"
    LOGOUT = "OpenID Connect RP-Initiated Logout 1.0 section 2, RP-Initiated Logout"
    AFTER_LOGOUT = "OpenID Connect RP-Initiated Logout 1.0 section 3, Redirection to RP After Logout"


class UnsafeRequest(PortalError):
    """The client or the redirect URI cannot be trusted, so the browser stays here (:rfc:`6749#section-4.1.2.1`).

    People read ``message``; developers read what was received, how to mend it and the ``clause`` that decides, and with
    an ``explanation`` what is registered; operators read the ``reason``, a constant.
    """

    def __init__(
        self,
        code: str,
        message: str,
        reason: str,
        *,
        facts: dict[str, str],
        fixes: list[str],
        clause: Clause,
        client_id: str | None = None,
        actions: list[Action] | None = None,
        explanation: Explanation | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.client_id = client_id
        shown = [(name, visible(value[:LONGEST_SHOWN])) for name, value in facts.items()]
        self.developer = Developer(code, shown, fixes, str(clause), explanation)
        self.actions = actions


class RefusedRequest(Exception):
    """An error the client is told of by redirect; ``error`` and ``description`` are protocol constants.

    With a ``cause``, whoever develops the client reads what was compared.
    """

    def __init__(self, error: str, description: str, cause: Cause | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.cause = cause

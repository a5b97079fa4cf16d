"""Answers made below the application, for what is no request it could answer (:rfc:`9112#section-2.2`)."""

import json
import logging
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import http_date

from app.server.terms import Terms

logger = logging.getLogger("portal.server")
WORDS = {
    400: ("invalid_request", "This request could not be understood."),
    408: ("invalid_request", "This request took too long to arrive."),
    413: ("invalid_request", "What was sent is too large."),
    414: ("invalid_request", "The address of this request is too long."),
    417: ("invalid_request", "What this request expects cannot be met."),
    431: ("invalid_request", "The header fields of this request are too large."),
    500: ("server_error", "Something went wrong on our side. Nothing was lost; please try again."),
    501: ("invalid_request", "This request uses a transfer coding that is not understood here."),
    503: ("temporarily_unavailable", "This service is busy. Please try again in a moment."),
}
RETRY_SECONDS = 5
STATUSES = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.NoMoreData: 431,  # a head that was not waited for any longer
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
}
"""What gunicorn's parser raises and is more than a bad request."""


class Refusals:
    """Makes the answers; each says that the connection ends, since nobody knows where a next request would begin."""

    def __init__(self, terms: Terms) -> None:
        self._told = terms.refused
        self._fields = "".join(f"{name}: {value}\r\n" for name, value in terms.headers)

    def of(self, error: Exception, client: Any) -> bytes:
        """The answer to a request the parser refuses."""
        return self.answer(STATUSES.get(type(error), 400), type(error).__name__, client)

    def answer(self, status: int, reason: str, client: Any) -> bytes:
        """An answer of this status; the ``reason``, a constant, goes to the log with the client's address."""
        address = client[0] if isinstance(client, tuple) else client
        logger.info("request_refused", extra={"status": status, "reason": reason, "ip": address})
        self._told(reason)
        code, description = WORDS[status]
        body = json.dumps({"error": code, "error_description": description}) + "\n"
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Connection: close",
            f"Date: {http_date()}",
            "Content-Type: application/json",
            "Cache-Control: no-store",
            f"Content-Length: {len(body)}",
        ]
        if status == 503:
            lines.append(f"Retry-After: {RETRY_SECONDS}")
        return ("\r\n".join(lines) + f"\r\n{self._fields}\r\n{body}").encode("latin-1")

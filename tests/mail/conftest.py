"""Portals that send mails."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.mail.smtp_server import SmtpServer


@pytest.fixture
def sending(make_app: Callable[..., Flask], mail_server: SmtpServer) -> Flask:
    """A portal in this process that sends its mails to ``mail_server``."""
    return make_app(**smtp_settings(mail_server))


def smtp_settings(server: SmtpServer, **changes: str) -> dict[str, str]:
    """The settings of a portal that sends to ``server``, in clear."""
    return {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(server.port),
        "MAIL_USE_TLS": "false",
        "MAIL_TIMEOUT": "1",
        "MAIL_DEFAULT_SENDER": "MAX 플랫폼 <no-reply@id.example.com>",
        **changes,
    }

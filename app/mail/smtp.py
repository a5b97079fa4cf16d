"""Speaking SMTP (RFC 5321) through Flask-Mailman's connection: one mail, one recipient, one connection.

What goes wrong becomes a constant; a server's own words hold addresses and end here.
"""

import email.charset
import smtplib
import ssl
from contextlib import suppress

from flask_mailman.backends.smtp import EmailBackend

from app.services.delivery.outbox import DeliveryFailed

# Not every server takes 8-bit lines; quoted-printable passes all of them unchanged, whatever their length.
CHARSET = email.charset.Charset("utf-8")
CHARSET.body_encoding = email.charset.QP
CONFIRMATION_SECONDS = 60.0
"""How long a server may think about a mail it was given: giving up earlier may mean that it arrives twice."""
UNCONFIRMED = "unconfirmed"
"""The server was given the mail and did not say what became of it."""


class _Verified(smtplib.SMTP):
    """Flask-Mailman begins TLS without looking at the server's certificate; a password and links must not go astray."""

    def starttls(self, *_: object, context: ssl.SSLContext | None = None, **__: object) -> tuple[int, bytes]:
        """As smtplib's, with the certificate checked against the server's name."""
        return super().starttls(context=context or ssl.create_default_context())


class Connection(EmailBackend):
    """Flask-Mailman's connection, to whom it says it is."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """What speaks: TLS from the first byte is verified already."""
        return smtplib.SMTP_SSL if self.use_ssl else _Verified


def hand_over(connection: Connection, sender: str, to: str, message: bytes, *, is_last: bool) -> None:
    """Give a mail to the server; raises :class:`DeliveryFailed` unless the server took it.

    ``is_last`` says that the mail shall not be given again where no answer comes after it was given.
    """
    try:
        _open(connection)
        _speak(connection.connection, sender, to, message, is_last=is_last)
    finally:
        # The server has answered what counts; how it says goodbye does not.
        with suppress(OSError):
            connection.close()


def _open(connection: Connection) -> None:
    """Connect, begin TLS and log in; whatever fails here is for the operator to mend, and the mail waits."""
    try:
        connection.open()
    except smtplib.SMTPAuthenticationError:
        raise DeliveryFailed("login_refused") from None
    except ssl.SSLError:
        raise DeliveryFailed("tls_failed") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed("tls_or_login_missing") from None
    except smtplib.SMTPResponseException:
        raise DeliveryFailed("server_refused") from None
    except (OSError, ValueError):
        raise DeliveryFailed("no_connection") from None


def _speak(server: smtplib.SMTP, sender: str, to: str, message: bytes, *, is_last: bool) -> None:
    was_given = False
    try:
        server.ehlo_or_helo_if_needed()
        _require(server.mail(sender), "sender_refused", is_final_at_5xx=False)
        _require(server.rcpt(to), "recipient_refused", is_final_at_5xx=True)
        was_given = True
        if server.sock is not None:
            server.sock.settimeout(max(CONFIRMATION_SECONDS, server.timeout))
        _require(server.data(message), "content_refused", is_final_at_5xx=True)
    except smtplib.SMTPDataError as error:
        _require((error.smtp_code, b""), "content_refused", is_final_at_5xx=True)
    except (OSError, ValueError):
        if was_given:
            raise DeliveryFailed(UNCONFIRMED, is_final=is_last) from None
        raise DeliveryFailed("connection_lost") from None


def _require(answer: tuple[int, bytes], reason: str, *, is_final_at_5xx: bool) -> None:
    """RFC 5321 section 4.2.1: 2xx is done, 4xx may be tried again, 5xx will be answered the same for ever."""
    code = answer[0]
    if not 200 <= code < 300:
        raise DeliveryFailed(reason, is_final=is_final_at_5xx and code >= 500)

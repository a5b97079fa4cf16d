"""An SMTP server on a loopback port that does with mails what a test says."""

import asyncio
import logging
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port


@dataclass(frozen=True)
class Arrived:
    """A mail the server took: who it said it is from and for, and what it holds."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """Taken apart."""
        return message_from_bytes(self.raw, policy=policy.default)

    def part(self, kind: str) -> str:
        """Its ``"plain"`` or ``"html"`` part."""
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content())


@dataclass
class SmtpServer:
    """``answers`` says by verb what is not answered with 250; at ``hangs_at`` it falls silent, at ``drops_at`` it goes.
    A ``gate`` keeps the answer to a mail back until it is opened; ``seconds`` is how long it thinks about each mail.

    ``port`` stays the same however often it is stopped and started. ``tls`` is offered, or with ``is_tls_only`` spoken
    from the first byte.
    """

    answers: dict[str, str] = field(default_factory=dict)
    hangs_at: str = ""
    drops_at: str = ""
    gate: threading.Event | None = None
    seconds: float = 0.0
    port: int = field(default_factory=free_port)
    tls: ssl.SSLContext | None = None
    is_tls_only: bool = False
    password: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _controller: Controller | None = None

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._controller is not None

    def start(self) -> None:
        """Begin to listen."""
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # it says everything it hears
        options: dict[str, Any] = {"ssl_context": self.tls} if self.is_tls_only else {"tls_context": self.tls}
        if self.password:
            options |= {"auth_required": True, "authenticator": self._knows}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections from now on, and drop those there are."""
        if self._controller is not None:
            controller, self._controller = self._controller, None
            controller.loop.call_soon_threadsafe(_cancel_all, controller.loop)
            controller.stop()

    def _knows(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and data.password == self.password.encode()
        return AuthResult(success=is_right, handled=is_right)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._answer(server, "MAIL")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._answer(server, "RCPT")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = Arrived(envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content)
        if "DATA" not in self.answers:
            self.arrived.append(mail)
        return await self._answer(server, "DATA")

    async def _answer(self, server: SMTP, verb: str) -> str:
        self.asked.append(verb)
        if self.drops_at == verb:
            assert server.transport is not None
            server.transport.abort()
        while verb == "DATA" and self.gate is not None and not self.gate.is_set():
            await asyncio.sleep(0.02)
        if verb == "DATA":
            await asyncio.sleep(self.seconds)
        if self.hangs_at == verb:
            await asyncio.sleep(3600)
        return self.answers.get(verb, "250 OK")


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()

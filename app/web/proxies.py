"""The door: where a request comes from, read once, before anything else looks at it.

As many proxies as ``TRUSTED_PROXIES`` says are believed: the nearest one's entry stands last in its header. Whatever
they and the connection say becomes an address in one spelling (:mod:`app.services.foundation.networks`), so that
limits, audit and refresh tokens never take two spellings, or a port, for two senders. What is no address is not
believed: the request then comes from the neighbour that sent it.
"""

import ipaddress
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.server.hosts import is_host
from app.services.foundation.networks import address
from app.settings import Settings

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")
PARAMETER = re.compile(r'(?:^|;)\s*for\s*=\s*("[^"]*"|[^;"\s]*)', re.IGNORECASE)
# Python's is_private takes in what only documents use, and leaves out what carriers and clouds share.
NEAR = [
    ipaddress.ip_network(each)
    for each in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
]
logger = logging.getLogger("portal.web")


class Door:
    """The WSGI layer; ``hops`` is the number of proxies that are believed."""

    def __init__(self, application: WsgiApp, hops: int) -> None:
        self._application = application
        self._hops = hops
        self._has_warned = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Settle the address, and go on."""
        peer = environ.get("REMOTE_ADDR", "")
        neighbour = address(peer) or ""
        if self._hops:
            environ["REMOTE_ADDR"] = address(self._forwarded(environ)) or neighbour
        else:
            if neighbour != peer:
                environ["REMOTE_ADDR"] = neighbour
            if not self._has_warned:
                self._warn_of_undeclared(environ, neighbour)
        return self._application(environ, start_response)

    def _forwarded(self, environ: dict[str, Any]) -> str:
        """What the outermost of the trusted proxies says, or ``""``."""
        # Only where the usual header is missing: a proxy that writes it may let the other one through as it came.
        if header := environ.get("HTTP_X_FORWARDED_FOR"):
            found = self._entry(header)
            return _for(found) if "=" in found else found
        return _for(self._entry(environ.get("HTTP_FORWARDED", "")))

    def _entry(self, header: str) -> str:
        # Split without regard to quotes: one that a client left open would swallow what the proxy wrote after it.
        entries = header.split(",")
        return entries[-self._hops].strip() if len(entries) >= self._hops else ""

    def _warn_of_undeclared(self, environ: dict[str, Any], neighbour: str) -> None:
        """Say once in each process that a proxy seems to stand in front of which the settings say nothing.

        Anybody on the internet may send these headers; a neighbour on this machine or network that does is a proxy.
        """
        if any(name in environ for name in FORWARDED) and _is_near(neighbour):
            self._has_warned = True
            reason = "everybody behind it shares its address and its limits; set it to the number of proxies in front"
            logger.warning(
                "proxy_not_declared", extra={"setting": "TRUSTED_PROXIES=0", "ip": neighbour, "reason": reason}
            )


class Believable:
    """The WSGI layer in front of Werkzeug's: takes away what the trusted proxy says and no host or scheme can be."""

    def __init__(self, application: WsgiApp, hops: int) -> None:
        self._application = application
        self._hops = hops

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Leave what can be, and go on."""
        if (host := environ.get("HTTP_X_FORWARDED_HOST")) is not None and not is_host(self._entry(host)):
            del environ["HTTP_X_FORWARDED_HOST"]
        if (scheme := environ.get("HTTP_X_FORWARDED_PROTO")) is not None:
            if (lowered := self._entry(scheme).lower()) in {"http", "https"}:
                environ["HTTP_X_FORWARDED_PROTO"] = ",".join([lowered] * self._hops)
            else:
                del environ["HTTP_X_FORWARDED_PROTO"]
        return self._application(environ, start_response)

    def _entry(self, header: str) -> str:
        entries = header.split(",")
        return entries[-self._hops].strip() if len(entries) >= self._hops else ""


def configure(app: Flask, settings: Settings) -> None:
    """Put the door in front of ``app``; scheme and host are read by Werkzeug's middleware."""
    hops = settings.server.trusted_proxies
    app.wsgi_app = Door(app.wsgi_app, hops)  # type: ignore[method-assign]
    if hops:
        fixed = ProxyFix(app.wsgi_app, x_for=0, x_proto=hops, x_host=hops)
        app.wsgi_app = Believable(fixed, hops)  # type: ignore[method-assign]


def _for(entry: str) -> str:
    """The sender of an entry in the spelling of :rfc:`7239#section-4`."""
    found = PARAMETER.search(entry)
    return found[1] if found else ""


def _is_near(neighbour: str) -> bool:
    """Whether it is this machine or one of a private network; a socket in the file system has no address."""
    if not neighbour:
        return True
    found = ipaddress.ip_address(neighbour)
    return any(found.version == each.version and found in each for each in NEAR)

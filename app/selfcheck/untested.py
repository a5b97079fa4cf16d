"""What this check does not look at, and why: nobody should take its score for more than it is."""

from collections.abc import Callable

from app.errors import sentence
from app.selfcheck.findings import Book, Seen, not_tested
from app.selfcheck.visit import Visit

book = Book()


def _never(reason: str) -> Callable[[Visit], Seen]:
    return lambda _: not_tested(reason)


_LEFT = (
    (
        "tls",
        sentence("TLS: protocols, ciphers, certificates"),
        sentence("A proxy in front speaks it. Have a TLS scanner look at the public address from outside."),
        "ASVS 5.0 12.1",
    ),
    (
        "backups",
        sentence("Backups"),
        sentence("The portal makes none and sees none. Restore one elsewhere now and then, and run this check there."),
        "ASVS 5.0 14.2",
    ),
    (
        "system",
        sentence("The operating system, the database server and the proxy"),
        sentence("Their versions and settings are not the portal's. Keep them up to date."),
        "ASVS 5.0 15.2.1",
    ),
    (
        "network",
        sentence("What of this network can be reached from outside"),
        sentence(
            "It is seen from outside alone. Only the proxy should be reachable, not the portal, database or Redis."
        ),
        "ASVS 5.0 13.2",
    ),
    (
        "conformance",
        sentence("Conformance to OpenID Connect"),
        sentence("The next step: the OpenID Foundation's conformance suite is public; run its Basic OP plan."),
        "OpenID Connect conformance profiles",
    ),
    (
        "second_factor",
        sentence("A second factor"),
        sentence("The portal has none of its own. Who comes by a provider may have one there."),
        "ASVS 5.0 6.3.3",
    ),
    (
        "providers",
        sentence("Logins by Google, Kakao, Naver, Discord and others"),
        sentence("They need an account at each. Log in by each once after a change of its settings."),
        "RFC 9700 section 4.4",
    ),
    (
        "applications",
        sentence("The applications themselves"),
        sentence("What they do with codes, tokens and states is seen there alone."),
        "RFC 9700 section 2",
    ),
)
for _name, _title, _reason, _reference in _LEFT:
    _look = _never(_reason)
    _look.__name__ = _name
    book.probe(_title, advice="", reference=_reference)(_look)

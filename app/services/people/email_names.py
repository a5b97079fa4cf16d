"""E-mail addresses: the one spelling that accounts keep and are looked up by, and which of them mail can reach."""

import re
import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidInput, sentence

LONGEST_TYPED = 1024
# What a link or a mail program's list holds beside an address.
PASTED = re.compile(r"[^<>]*<([^<>]*)>\Z")
LINK = re.compile(r"mailto:([^?]*)(?:\?.*)?\Z", re.IGNORECASE | re.DOTALL)
JOINERS = "\u200c\u200d"
"""Letters of some scripts are joined by them or kept apart, so in the name of a host they can mean something."""
# RFC 5321 section 4.1.2 without quoted names and address literals, in ASCII (RFC 6531 would need the server's help).
MAILABLE = re.compile(
    r"(?=.{3,254}\Z)[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII | re.IGNORECASE
)
UNREACHABLE = sentence("No mail can be sent to an address with such letters before the @. Use another address.")


def fold(email: str) -> str:
    """The one spelling of an address, however it was typed or pasted.

    Compatible characters are the plain ones (full-width letters, the ideographic dot), in their composed form (NFKC)
    and in lower case; nothing invisible stays; the host is in Unicode (:rfc:`5891`), whether it was typed so or in
    ASCII (``xn--``). What is no address is folded too, and found nowhere. NUL, which PostgreSQL's text cannot hold,
    becomes U+FFFD.
    """
    text = email.replace("\x00", "\ufffd")
    if len(text) > LONGEST_TYPED:
        return text.strip().lower()
    text = unicodedata.normalize("NFKC", text).strip()
    for pasted in (PASTED, LINK):
        if found := pasted.match(text):
            text = found[1]
    text = unicodedata.normalize("NFKC", text.lower())
    local, at, host = text.rpartition("@")
    return f"{_visible(local).strip()}{at}{_host(host)}"


def normalised(email: str) -> str:
    """An e-mail as accounts keep it; raises :class:`InvalidInput` for what is none, or no mail can be sent to."""
    folded = fold(email)
    try:
        validate_email(folded, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise InvalidInput(sentence("This is not an e-mail address."), "email") from None
    if not is_mailable(folded):
        raise InvalidInput(UNREACHABLE, "email")
    return folded


def is_mailable(email: str) -> bool:
    """Whether this is one address that any mail server takes, and nothing beside it."""
    return MAILABLE.fullmatch(in_ascii(email)) is not None


def in_ascii(email: str) -> str:
    """An address as mail servers take it: its host in ASCII. As it is, where that cannot be."""
    local, at, host = email.rpartition("@")
    if host.isascii():
        return email
    try:
        return f"{local}{at}{idna.encode(host).decode()}"
    except idna.IDNAError:
        return email


def _host(typed: str) -> str:
    visible = _visible(typed).strip().removesuffix(".")
    if visible.isascii() and typed.isascii() and "xn--" not in visible:
        return visible
    for name in (_visible(typed, JOINERS).strip(), visible):
        try:
            return idna.decode(idna.encode(name.rstrip(".。"), uts46=True))
        except idna.IDNAError:
            continue
    return visible


def _visible(text: str, kept: str = "") -> str:
    return "".join(letter for letter in text if letter in kept or unicodedata.category(letter) != "Cf")

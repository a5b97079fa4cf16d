"""How the text of an environment variable becomes a value; each raises ``ValueError`` with what it wants instead."""

import re
from collections.abc import Callable
from email.utils import getaddresses


def text(value: str) -> str:
    """The text without surrounding space."""
    return value.strip()


def boolean(value: str) -> bool:
    """``true`` or ``false`` in their usual spellings."""
    lowered = value.strip().lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("must be true or false")


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not least <= number <= most:
            raise ValueError(f"must be between {least} and {most}")
        return number

    return parse


def number_or_none(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds, or -1 for nothing, which stands for what other settings suggest."""
    parse = number(least, most)
    return lambda value: parse(value) if value else -1


def host(value: str) -> str:
    """A name, an address without brackets, or ``unix:`` and an absolute path."""
    text = value.strip()
    if text.startswith("unix:"):
        if not text.startswith("unix:/") or text.endswith("/"):
            raise ValueError("must name a socket by its whole path after unix:, as in unix:/run/portal/portal.sock")
        return text
    bare = text.removeprefix("[").removesuffix("]")
    if re.search(r"[\s/\[\]@,]", bare):
        raise ValueError("must be one name or address, or unix: and a path")
    return bare


def choice(*allowed: str) -> Callable[[str], str]:
    """One of the allowed words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(filter(None, allowed))}")
        return value

    return parse


def words(value: str) -> tuple[str, ...]:
    """Words separated by commas or spaces."""
    return tuple(word for word in re.split(r"[\s,]+", value) if word)


def sender(value: str) -> str:
    """``Name <address>`` or an address, in one line."""
    text = value.strip()
    addresses = [address for _, address in getaddresses([text])] if text.isprintable() else []
    if text and not (len(addresses) == 1 and re.fullmatch(r"[^\s@<>,;]+@[a-zA-Z0-9.-]+", addresses[0])):
        raise ValueError("must be an address such as MAX Platform <no-reply@example.com>")
    return text


def help_address(value: str) -> str:
    """A web address, or ``mailto:`` with one of mail."""
    text = value.strip()
    if text and not re.fullmatch(r"https?://[a-zA-Z0-9.\[\]:-]+(/[!-~]*)?|mailto:[!-~]+@[a-zA-Z0-9.-]+", text):
        raise ValueError("must be an address such as https://help.example.com/ or mailto:help@example.com")
    return text


def rate(value: str) -> str:
    """A rate such as ``5/minute``, or ``none``."""
    if value in {"", "none"} or re.fullmatch(r"\d+\s*(/|per)\s*(\d+\s*)?(second|minute|hour|day)s?", value.strip()):
        return value.strip()
    raise ValueError("must look like 5/minute, or be none")


def schema(value: str) -> str:
    """A PostgreSQL schema name, or nothing."""
    if value and not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise ValueError("must be a plain lower-case PostgreSQL schema name")
    return value


def hsts(value: str) -> str:
    """What :rfc:`6797#section-6.1` lets a host say of itself, in one spelling; nothing for ``off``."""
    if value.strip().lower() in {"off", "none"}:
        return ""
    seconds, flags = 31536000, []
    for directive in filter(None, (each.strip().lower() for each in value.split(";"))):
        if found := re.fullmatch(r'max-age\s*=\s*"?([0-9]{1,10})"?', directive):
            seconds = int(found[1])
        elif directive in {"includesubdomains", "preload"} and directive not in flags:
            flags.append(directive)
        else:
            raise ValueError("must be off, or like max-age=31536000; includeSubDomains; preload")
    # What the lists of browsers ask for; with less, preload would promise what never comes.
    if "preload" in flags and ("includesubdomains" not in flags or seconds < 31536000):
        raise ValueError("can say preload only with includeSubDomains and a max-age of 31536000 or more")
    names = {"includesubdomains": "includeSubDomains", "preload": "preload"}
    return "; ".join([f"max-age={seconds}", *(names[each] for each in names if each in flags)])


def origin_template(value: str) -> str:
    """An origin with ``{client}`` in it, or nothing."""
    template = value.strip().rstrip("/")
    if template and ("{client}" not in template or not _is_origin(template.replace("{client}", "maxlab"))):
        raise ValueError("must be an origin with {client} in it, such as https://{client}.example.com")
    return template


def client_origins(value: str) -> tuple[tuple[str, str], ...]:
    """``client=origin`` or ``client=none``, separated by commas or spaces."""
    pairs = [word.partition("=") for word in words(value)]
    if not all(client and (origin == "none" or _is_origin(origin.rstrip("/"))) for client, _, origin in pairs):
        raise ValueError("must look like maxlab=https://lab.example.com, maxapa=none")
    return tuple((client, origin.rstrip("/")) for client, _, origin in pairs)


def _is_origin(text: str) -> bool:
    return bool(re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", text))


def site_data(value: str) -> str:
    """The words of ``Clear-Site-Data`` as the header has them; nothing for ``off``."""
    wanted = words(value)
    if wanted == ("off",):
        return ""
    if not wanted or not set(wanted) <= {"cache", "cookies", "storage"}:
        raise ValueError("must be off, or some of cache, cookies, storage")
    return ", ".join(f'"{each}"' for each in ("cache", "cookies", "storage") if each in wanted)

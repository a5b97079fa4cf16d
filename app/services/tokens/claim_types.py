"""Of what type the claims are that the portal reads from tokens it signed.

A good signature says who made a token, not that it is well made: with a shared secret (HS256) every backend that holds
it can sign whatever it likes, and no text of theirs may reach a statement that cannot take it.
"""

from typing import Any

TEXTS = {"aud": 2000, "sub": 100, "client_id": 100, "jti": 43, "sid": 36, "type": 20, "generation": 12, "scope": 8192}
"""The most characters of each; as many as the columns take that keep it."""
LONGEST_ID = 36
TIMES = ("iat", "exp", "auth_time")
END_OF_TIME = 253_402_300_800
"""The year 10000, in seconds; dates go no further."""


def are_proper(claims: dict[str, Any]) -> bool:
    """Whether every claim that the portal reads, where it is there, is a text or a time as the portal writes them."""
    return (
        ("act" not in claims or _is_actor(claims["act"]))
        and all(_is_text(claims[name], most) for name, most in TEXTS.items() if name in claims)
        and all(_is_time(claims[name]) for name in TIMES if name in claims)
    )


def _is_actor(value: object) -> bool:
    """Whether it is somebody as the portal names who acts (:rfc:`8693#section-4.1`)."""
    return isinstance(value, dict) and value.keys() == {"sub"} and _is_text(value["sub"], LONGEST_ID)


def _is_text(value: object, most: int) -> bool:
    return type(value) is str and len(value) <= most and value.isascii() and value.isprintable()


def _is_time(value: object) -> bool:
    # True is an int of Python's.
    return type(value) is int and 0 <= value < END_OF_TIME

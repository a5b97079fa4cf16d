"""What can be made to go wrong at a provider."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Condition

Value = bool | float | str
BACK_CHANNEL = ("discovery", "keys", "token", "user", "revoke")
"""What the portal asks by itself; the other requests are made by browsers."""
FORGERIES = {
    "aud": "for another client",
    "azp": "for several clients, authorized to another",
    "iss": "from another issuer",
    "nonce": "with another nonce",
    "no_nonce": "without a nonce",
    "expired": "that expired an hour ago",
    "none": "that nobody signed (alg none)",
    "kid": "signed with a key that is not published",
    "signature": "signed with another key under the published name",
    "hs256": "signed with HS256 and the public key as secret",
    "alg": "signed with an algorithm that does not exist, at_hash wrong",
    "at_hash": "for another access token (at_hash)",
    "sub": "of somebody else than userinfo tells of",
    "absent": "that is missing",
}


@dataclass(frozen=True)
class Switch:
    """One of them. ``values`` are what it can be beside off and on; None is a number, an empty tuple only on."""

    name: str
    meaning: str
    values: tuple[str, ...] | None = ()
    is_free: bool = False

    def accepted(self, value: Value) -> Value:
        """The value, if it can be set to that; ``"on"`` and ``""`` are how a form says it."""
        value = {"on": True, "": False}.get(value, value) if isinstance(value, str) else value
        if self.values is None:
            return float(value)
        if isinstance(value, bool) or self.is_free or value in self.values:
            return value
        raise ValueError(f"{self.name} cannot be {value!r}")


FAULTS = [
    Switch("hang", "does not answer", BACK_CHANNEL),
    Switch("error", "answers 500", BACK_CHANNEL),
    Switch("reset", "resets the connection", BACK_CHANNEL),
    Switch("html", "answers a page of HTML (on: the token endpoint)", BACK_CHANNEL),
    Switch("huge", "answers 10 MB (on: the token endpoint)", BACK_CHANNEL),
    Switch("redirect", "redirects to http://169.254.169.254/ (on: the token endpoint)", BACK_CHANNEL),
    Switch("drip", "answers one byte after the other, for ever (on: the token endpoint)", BACK_CHANNEL),
    Switch("slow", "answers after so many seconds", None),
]
EVERYWHERE = {"hang", "error", "reset"}
"""The faults that are those of every endpoint when they are simply on; the others are of the token endpoint then."""
EVERY_PROVIDER = [
    Switch("cancel", "people cancel, whoever they choose"),
    Switch("refusal", "answers the browser with this error instead of a code", is_free=True),
    Switch("no_email", "tells no e-mail"),
    Switch("unverified_email", "tells that the e-mail is not verified"),
    Switch("changed_email", "people have another e-mail now (on: changed@example.com)", is_free=True),
    Switch("recreated", "the account was deleted and made again: same e-mail, new subject", is_free=True),
    Switch("revoked", "access tokens are revoked before they are used"),
    Switch("hostile", "tells a hostile profile (on: markup)", ("markup", "long", "unicode", "types")),
    *FAULTS,
]
FORGED = Switch("forged", "sends an ID token that is forged (on: for another client)", tuple(FORGERIES))
METADATA = Switch(
    "metadata",
    "its discovery document is another issuer's (on), leads to an inner address, lacks an endpoint, or is a list",
    ("issuer", "inner", "lacking", "list"),
)
OLD_LOGIN = Switch("old_login", "lets people through who logged in there an hour ago, whatever max_age says")
OTHER_ISSUER = Switch("other_issuer", "says in the authorization response that it is another issuer")
INVALID_EMAIL = Switch("invalid_email", "the e-mail belongs to another account by now (is_email_valid false)")


class Switches:
    """Those of one provider, with the value each has; who waits at one is woken when one changes."""

    def __init__(self, *more: Switch) -> None:
        self.all = {switch.name: switch for switch in (*EVERY_PROVIDER, *more)}
        self.changed = Condition()
        self._values: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        """What it is set to."""
        assert name in self.all
        return self._values.get(name, False)

    def __iter__(self) -> Iterator[Switch]:
        return iter(self.all.values())

    def set(self, name: str, value: Value) -> None:
        """Set one, :raises KeyError: or :raises ValueError: if there is no such switch or value."""
        accepted = self.all[name].accepted(value)
        with self.changed:
            self._values[name] = accepted
            self.changed.notify_all()

    def reset(self) -> None:
        """All off."""
        with self.changed:
            self._values.clear()
            self.changed.notify_all()

    def is_on(self, fault: str, kind: str) -> bool:
        """Whether requests of this kind meet this fault."""
        value = self[fault]
        return value == kind or (value is True and (kind == "token" or fault in EVERYWHERE))

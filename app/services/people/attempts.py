"""How often somebody may guess: counted per account and per network address, and apart for browsers that are known.

OWASP calls the latter device cookies: who guesses at an account from elsewhere uses up the count of all strangers, and
the owner's own browsers still let the owner in. Who is right takes the own attempt back and no other, so that people
who share an address do not use it up, and nobody wins guesses by logging in as himself in between. Counts are kept in
fixed windows of the shared store (:mod:`app.services.foundation.rate_limits`): at the seam of two windows twice the
limit passes at most. When Redis does not answer they go on in the embedded store of the machine; when that does not
answer either, nobody gets a guess (``Unavailable``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from app.services.foundation.environment import Caller, sha256
from app.services.foundation.rate_limits import Counted, RateLimiter
from app.services.people.devices import Devices
from app.services.people.email_names import fold


class Attempts:
    """Counts attempts; ``limit`` is what each account, each address and each known browser may in a while."""

    def __init__(self, limits: RateLimiter, devices: Devices, limit: str) -> None:
        self.limits = limits
        self.devices = devices
        self.limit = limit

    def count(self, name: str, email: str, caller: Caller, device_token: str = "") -> list[Counted]:
        """Count one attempt of the kind ``name`` (``"login"``) at the account of an e-mail, be there one or not.

        ``device_token`` is the value of the browser's cookie. Raises ``TooManyAttempts`` with the seconds to wait, and
        ``Unavailable`` when no store answers.
        """
        account = fold(email)
        if device_token and self.devices.is_known_at(account, device_token):
            counted = [self.limits.hit(f"{name}_device", self.limit, account, sha256(device_token))]
        else:
            counted = [
                self.limits.hit(f"{name}_address", self.limit, self.limits.sender(caller.ip_address)),
                self.limits.hit(f"{name}_account", self.limit, account),
            ]
        return [each for each in counted if each]

    @contextmanager
    def guess(self, name: str, email: str, caller: Caller, device_token: str = "") -> Iterator[None]:
        """Count what is tried inside as :meth:`count` does; what raises nothing was right, and no guess."""
        counted = self.count(name, email, caller, device_token)
        yield
        for each in counted:
            self.limits.give_back(each)

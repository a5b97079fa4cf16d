"""How often somebody may guess: counted per account and per network address, and apart for browsers that are known.

OWASP calls the latter device cookies: who guesses at an account from elsewhere uses up the count of all strangers, and
the owner's own browsers still let the owner in. A success resets nothing, so nobody wins guesses by logging in as
himself in between. Counts are kept in fixed windows of the shared store
(:mod:`app.services.foundation.rate_limits`): at the seam of two windows twice the limit passes at most. When Redis does
not answer they go on in the embedded store of the machine; when that does not answer either, nobody gets a guess
(``Unavailable``).
"""

from app.services.foundation.environment import Caller, sha256
from app.services.foundation.rate_limits import RateLimiter
from app.services.people.devices import Devices
from app.services.people.email_names import fold


class Attempts:
    """Counts attempts; ``limit`` is what each account, each address and each known browser may in a while."""

    def __init__(self, limits: RateLimiter, devices: Devices, limit: str) -> None:
        self.limits = limits
        self.devices = devices
        self.limit = limit

    def count(self, name: str, email: str, caller: Caller, device_token: str = "") -> None:
        """Count one attempt of the kind ``name`` (``"login"``) at the account of an e-mail, be there one or not.

        ``device_token`` is the value of the browser's cookie. Raises ``TooManyAttempts`` with the seconds to wait, and
        ``Unavailable`` when no store answers.
        """
        account = fold(email)
        if device_token and self.devices.is_known_at(account, device_token):
            self.limits.hit(f"{name}_device", self.limit, account, sha256(device_token))
            return
        self.limits.hit(f"{name}_address", self.limit, self.limits.sender(caller.ip_address))
        self.limits.hit(f"{name}_account", self.limit, account)

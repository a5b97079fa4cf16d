"""How deliveries are spoken of: their kinds, what becomes of them, and why an attempt failed."""

import re

from app.errors import sentence
from app.languages import gettext as _
from app.services.delivery.logout_notices import KIND as LOGOUT_NOTICE
from app.services.delivery.mail import MAIL
from app.services.delivery.outbox import DROPPED
from app.services.identities.farewells import FAREWELL
from app.services.oversight.deliveries import DeliveryState
from app.services.people.password_resets import WISH

KINDS: dict[str, str] = {
    MAIL: sentence("Mail"),
    WISH: sentence("Wish for a new password"),
    LOGOUT_NOTICE: sentence("Notice of a logout"),
    FAREWELL: sentence("Goodbye to an identity provider"),
}
STATES: dict[DeliveryState, str] = {
    DeliveryState.WAITING: sentence("Waits"),
    DeliveryState.FAILING: sentence("Failed, is tried again"),
    DeliveryState.DONE: sentence("Arrived"),
    DeliveryState.GIVEN_UP: sentence("Given up"),
}
REASONS: dict[str, str] = {
    "no_server": sentence("No mail server is set."),
    "no_connection": sentence("The mail server could not be reached."),
    "login_refused": sentence("The mail server refused the username or the password."),
    "tls_failed": sentence("No safe connection came about: the certificate of the mail server does not fit."),
    "tls_or_login_missing": sentence("The mail server offers no TLS or no login, as the settings want it."),
    "server_refused": sentence("The mail server refused to talk to the portal."),
    "sender_refused": sentence("The mail server refused the sender’s address."),
    "recipient_refused": sentence("The mail server refused the recipient’s address."),
    "content_refused": sentence("The mail server refused the mail itself, as spam for instance."),
    "connection_lost": sentence("The connection to the mail server broke."),
    "unconfirmed": sentence("The mail server took the mail and did not say what became of it."),
    "address_unusable": sentence("Nothing can be mailed to this address."),
    "unwritable": sentence("The mail could not be written. The log of the portal knows more."),
    "not_kept": sentence("The mail could not be written into the folder of the portal."),
    "too_late": sentence("It waited until it made no sense any more."),
    "sealed_with_another_key": sentence("It is encrypted with a key that the portal does not have any more."),
    "error": sentence("Something went wrong inside the portal. Its log knows more."),
    "unreadable": sentence("The answer could not be read."),
    DROPPED: sentence("An administrator took it out of the queue."),
    "no_answer:Timeout": sentence("No answer came in time."),
    "no_answer:ConnectionError": sentence("The server could not be reached."),
    "no_answer:SSLError": sentence("No safe connection came about: the certificate of the server does not fit."),
    "no_answer:BadAnswer": sentence("The answer could not be read."),
    "no_answer:TooLarge": sentence("The answer was too long."),
}
"""By the constant that a delivery keeps of its last attempt."""
UNNAMED = sentence("It failed for a reason of another version of the portal.")
_STATUS = re.compile(r"answered:(\d{3})")


def told(reason: str) -> str:
    """Why an attempt failed, in the reader's language; nothing where none did."""
    if not reason:
        return ""
    if status := _STATUS.fullmatch(reason):
        return _("The server answered with the status %(status)s.", status=status[1])
    return _(REASONS.get(reason, UNNAMED))

"""Refusals we expect. Services raise them; ``app.web.error_pages`` turns them into pages and JSON.

``message`` may be shown to anybody and is translated at the edge; the reason goes in ``__cause__`` and the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


def sentence(text: str) -> str:
    """Mark an English constant that people see; it is translated where it is shown."""
    return text


DEFECT = sentence("Something went wrong on our side. Nothing was lost; please try again.")
"""What is said of an error that nobody expected."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Which check refused a client's request, by a constant name, and what it compared: never a secret nor a token.

    It says more than the answer does, so it is for the client alone that proved itself.
    """

    check: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


class PortalError(Exception):
    """A refusal we expect: an HTTP status, a constant code for programs and a constant sentence for people."""

    status = 400
    code = "refused"
    message = sentence("This request could not be completed.")

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        if message:
            self.message = message


class NotFound(PortalError):
    """There is nothing of that name, or it is somebody else's."""

    status, code, message = 404, "not_found", sentence("This page does not exist.")


class AdministratorsOnly(PortalError):
    """Whoever asks is logged in and does not administer the platform."""

    status, code = 403, "administrators_only"
    message = sentence("Only administrators of the platform can use this page. Nothing was changed.")


class OutOfPower(AdministratorsOnly):
    """Whoever asks administers other parts of the platform than this, or not so far."""

    code = "out_of_power"
    message = sentence(
        "Your role does not permit this. Nothing was changed. An administrator of the platform can do it."
    )


class ActingForbids(PortalError):
    """Whoever asks acts as somebody else, who alone may do this."""

    status, code = 403, "acting_forbids"
    message = sentence("This cannot be done while you act as somebody else. Nothing was changed.")


class WrongCredentials(PortalError):
    """The same for an unknown account, a wrong password and a disabled account."""

    status, code = 401, "wrong_credentials"
    message = sentence("That e-mail and password don't match. Check both and try again.")


class FormOfAnother(PortalError):
    """The form was shown to somebody else than who is logged in by now; it does nothing for either."""

    status, code = 409, "form_of_another"
    message = sentence(
        "This page was opened with another account. Meanwhile a different one is in use here, so nothing was changed."
    )


class InvalidInput(PortalError):
    """What was typed cannot be used; ``field`` names the form field it belongs to."""

    status, code = 400, "invalid_input"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidFields(InvalidInput):
    """Several fields cannot be used: ``problems`` has a sentence for each, by name; the first one speaks for all."""

    def __init__(self, problems: dict[str, str]) -> None:
        field, message = next(iter(problems.items()))
        super().__init__(message, field)
        self.problems = problems


class TooManyAttempts(PortalError):
    """A rate limit was reached; ``retry_after`` is the number of seconds to wait."""

    status, code, message = (
        429,
        "too_many_attempts",
        sentence("There were too many attempts. Please wait a moment and try again."),
    )

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class ForeignOrigin(PortalError):
    """A form was sent from another site's page."""

    status, code = 403, "foreign_origin"
    message = sentence(
        "This form was sent from another site, so nothing was changed. Open the page here and try again."
    )


class Unavailable(PortalError):
    """Something the portal depends on does not answer."""

    status, code, message = (
        503,
        "unavailable",
        sentence("The service is busy or starting. Please try again in a moment."),
    )


class InteractionGone(PortalError):
    """The authorization request in flight is unknown or too old to go on with."""

    status, code = 410, "interaction_gone"
    message = sentence("This login request is no longer open. Go back to the application and log in from there.")


class LinkGone(PortalError):
    """The token of a mailed link is unknown, used, replaced by a newer one, too old, or meant for something else."""

    status, code = 410, "link_gone"
    message = sentence("This link has been used already or is too old. Ask for a new one.")


class AnswerGone(PortalError):
    """What a provider answered about somebody is too old, was made use of, or belongs to another browser."""

    status, code = 410, "answer_gone"
    message = sentence("This step is no longer open here. Log in again; nothing was changed.")


class IdentityTaken(PortalError):
    """The identity at a provider is linked with another account; neither account changes."""

    status, code = 409, "identity_taken"
    message = sentence("This login is linked with another MAX account already, so nothing was changed.")


class LastWayIn(PortalError):
    """Without it nobody could log in to the account any more."""

    status, code = 409, "last_way_in"
    message = sentence("Add another way to log in before you remove this one.")


class ProtocolRefusal(PortalError):
    """An OAuth error a service decides on: ``code`` is the protocol's error, ``message`` its constant description.

    Descriptions keep to the characters of :rfc:`6749#section-5.2`.
    """

    def __init__(self, code: str, description: str, status: int = 400, cause: Cause | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.status = status
        self.cause = cause

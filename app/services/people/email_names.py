"""E-mail addresses as accounts keep them, and as they are looked up."""

from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidInput, sentence


def fold(email: str) -> str:
    """An e-mail as accounts are looked up by it; NUL, which PostgreSQL's text cannot hold, becomes U+FFFD."""
    return email.replace("\x00", "\ufffd").strip().lower()


def normalised(email: str) -> str:
    """An e-mail as accounts keep it; raises :class:`InvalidInput` when it cannot be one."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise InvalidInput(sentence("This is not an e-mail address."), "email") from None
    return fold(checked.normalized)

"""What is registered about an application, in words for whoever meets it for the first time."""

from collections.abc import Mapping

from app.errors import sentence
from app.languages import ngettext

GRANTS: Mapping[str, str] = {
    "authorization_code": sentence("People log in to it"),
    "refresh_token": sentence("It stays logged in without asking people again"),
    "client_credentials": sentence("It works for itself, without a person"),
}
"""What each grant type is for."""
CONSENTS: Mapping[str, str] = {
    "implicit": sentence("Never: it is our own application"),
    "once": sentence("Once, and again for what is new"),
    "always": sentence("At every login"),
}
"""When people are asked what they allow, by consent policy."""
METHODS: Mapping[str, str] = {
    "none": sentence("By nothing: it cannot keep a secret, and proves each login by PKCE"),
    "client_secret": sentence("By a secret, sent in the header or in the body"),
    "client_secret_basic": sentence("By a secret, sent in the header"),
    "client_secret_post": sentence("By a secret, sent in the body"),
    "private_key_jwt": sentence("By signing with a key of its own"),
}
"""How an application proves to be itself."""
MINUTE, HOUR, DAY = 60, 3600, 86_400


def duration(seconds: int) -> str:
    """A time in words, in the largest unit that leaves no rest."""
    if seconds % DAY == 0:
        return ngettext("%(num)s day", "%(num)s days", seconds // DAY)
    if seconds % HOUR == 0:
        return ngettext("%(num)s hour", "%(num)s hours", seconds // HOUR)
    if seconds % MINUTE == 0:
        return ngettext("%(num)s minute", "%(num)s minutes", seconds // MINUTE)
    return ngettext("%(num)s second", "%(num)s seconds", seconds)

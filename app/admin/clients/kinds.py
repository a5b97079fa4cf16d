"""The kinds of applications one registers here, each with what is registered of it unless one says otherwise."""

from dataclasses import dataclass

from app.errors import sentence
from app.services.clients.redirect_advice import ApplicationType

PEOPLE = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them; ``sign`` is an icon, ``example`` a redirect URI such as it has."""

    type: ApplicationType
    title: str
    about: str
    sign: str
    grants: tuple[str, ...]
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    is_confidential: bool = False
    example: str = ""

    @property
    def logs_in(self) -> bool:
        """Whether people log in to it."""
        return self.type is not ApplicationType.SERVICE


KINDS = {
    each.type.value: each
    for each in (
        Kind(
            ApplicationType.POPUP,
            sentence("In the browser, login in a popup"),
            sentence("A page that stays open behind the login. It needs no server and keeps no secret."),
            "window-stack",
            PEOPLE,
            example="https://app.example.com/oauth/callback",
        ),
        Kind(
            ApplicationType.REDIRECT,
            sentence("In the browser, login in the same tab"),
            sentence("A page that is left for the login and come back to. It needs no server and keeps no secret."),
            "window",
            PEOPLE,
            example="https://app.example.com/oauth/callback",
        ),
        Kind(
            ApplicationType.WEB,
            sentence("On a server"),
            sentence("Pages that a server makes, in any language and framework. The server keeps the secret."),
            "hdd-stack",
            PEOPLE,
            is_confidential=True,
            example="https://app.example.com/login/callback",
        ),
        Kind(
            ApplicationType.NATIVE,
            sentence("On a device"),
            sentence("A program on a phone, a desk or in a terminal. It opens the browser and keeps no secret."),
            "phone",
            PEOPLE,
            example="com.example.app:/callback",
        ),
        Kind(
            ApplicationType.SERVICE,
            sentence("Without people"),
            sentence("A job or a backend that works for itself. It gets tokens by its secret, and nobody logs in."),
            "gear",
            ("client_credentials",),
            scopes=(),
            is_confidential=True,
        ),
    )
}
"""By the value of their type, in the order they are offered."""

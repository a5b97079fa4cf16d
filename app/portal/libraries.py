"""Client libraries, each with the code that connects it, on the developers' page, in docs/integrations.md and in tests.

A block is a template in ``templates/portal/libraries``. What a test runs is the block itself, put into a small
application; the others were written by their libraries' documentation and say so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.languages import lazy_gettext as _l

EXAMPLE = {
    "issuer": "https://id.example.com",
    "client_id": "my-app",
    "app": "https://app.example.com",
    "algorithm": "ES256",
    "secret": "CLIENT_SECRET",
    "anything": "SOME_LONG_RANDOM_TEXT",
}
"""What a block says where no client is chosen; the last two are never anything else on a page."""
PYTHON, NODE, BROWSER, NATIVE = "Python", "Node.js", _l("In the browser"), _l("On devices")


@dataclass(frozen=True)
class Library:
    """A library; ``key`` names its block, ``callback`` is where the application takes its answer.

    ``needs_secret`` is None for a library that only checks tokens.
    """

    key: str
    name: str
    group: object
    language: str
    file: str
    callback: str
    needs_secret: bool | None
    is_tested: bool = True
    advice: object = ""


_CODE_CHALLENGE = _l("It sends a challenge only when it is told to: code_challenge_method is that line.")
LIBRARIES = (
    Library(
        "streamlit",
        "Streamlit",
        PYTHON,
        "toml",
        ".streamlit/secrets.toml",
        "/oauth2callback",
        True,
        advice=_l("Then st.login() logs in, and st.user.email and st.user.name are there."),
    ),
    Library("authlib-flask", "Authlib: Flask", PYTHON, "python", "app.py", "/callback", True, advice=_CODE_CHALLENGE),
    Library(
        "authlib-fastapi", "Authlib: FastAPI", PYTHON, "python", "app.py", "/callback", True, advice=_CODE_CHALLENGE
    ),
    Library(
        "fastapi-docs",
        "FastAPI /docs",
        PYTHON,
        "python",
        "app.py",
        "/docs/oauth2-redirect",
        False,
        advice=_l("The Authorize button of the documentation page logs in; leave its client secret empty."),
    ),
    Library(
        "pyjwt",
        "PyJWT",
        PYTHON,
        "python",
        "backend.py",
        "",
        None,
        advice=_l("For a backend that takes access tokens. Pick the key by kid: the portal publishes several."),
    ),
    Library(
        "mozilla-django-oidc",
        "mozilla-django-oidc",
        PYTHON,
        "python",
        "settings.py",
        "/oidc/callback/",
        True,
        advice=_l("The slash at the end of the redirect URI belongs to it."),
    ),
    Library(
        "django-allauth",
        "django-allauth",
        PYTHON,
        "python",
        "settings.py",
        "/accounts/oidc/max/login/callback/",
        True,
        advice=_l("The slash at the end of the redirect URI belongs to it."),
    ),
    Library(
        "social-auth",
        "social-auth-app-django",
        PYTHON,
        "python",
        "settings.py",
        "/complete/oidc/",
        True,
        advice=_l("The method of its challenge has to be written with a capital S, which is not its own default."),
    ),
    Library("authjs", "Auth.js", NODE, "js", "app.js", "/auth/callback/max", True),
    Library(
        "express-openid-connect",
        "express-openid-connect",
        NODE,
        "js",
        "app.js",
        "/callback",
        True,
        advice=_l("Without response_type it would ask for an implicit flow, which the portal does not have."),
    ),
    Library(
        "passport",
        "passport-openidconnect",
        NODE,
        "js",
        "app.js",
        "/callback",
        True,
        advice=_l("It cannot send a challenge: its client is registered with --no-pkce. What that costs stands above."),
    ),
    Library("oidc-client-ts", "oidc-client-ts", BROWSER, "js", "login.js", "/callback", False),
    Library(
        "keycloak-js",
        "keycloak-js",
        BROWSER,
        "js",
        "login.js",
        "/callback",
        False,
        advice=_l("Register its client with --grant authorization_code: it takes refresh tokens for JWTs."),
    ),
    Library("angular", "angular-auth-oidc-client", BROWSER, "ts", "app.config.ts", "/callback", False, is_tested=False),
    Library(
        "requests-oauthlib",
        "requests-oauthlib",
        NATIVE,
        "python",
        "cli.py",
        "http://127.0.0.1/callback",
        False,
        advice=_l("Register the address without a port: it may be any. Use 127.0.0.1 and not localhost."),
    ),
    Library(
        "appauth",
        "AppAuth",
        NATIVE,
        "kotlin",
        "LoginActivity.kt",
        "com.example.app:/callback",
        False,
        is_tested=False,
        advice=_l("Its manifestPlaceholders name the scheme of the redirect URI: appAuthRedirectScheme."),
    ),
)


def redirect_uri(library: Library, app: str) -> str:
    """The redirect URI to be registered for an application at the origin ``app``; empty for one that has none."""
    return f"{app}{library.callback}" if library.callback.startswith("/") else library.callback


def groups() -> Iterator[tuple[object, list[Library]]]:
    """The libraries by where they run, in their order."""
    for group in dict.fromkeys(library.group for library in LIBRARIES):
        yield group, [library for library in LIBRARIES if library.group is group]


def origin_of(uris: "tuple[str, ...] | list[str]") -> str:
    """Where an application is, by its redirect URIs; an example for one that has none on the web."""
    for uri in uris:
        parts = urlsplit(uri)
        if parts.scheme in {"http", "https"}:
            return f"{parts.scheme}://{parts.netloc}"
    return EXAMPLE["app"]

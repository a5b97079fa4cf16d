"""What was asked of a provider, without what is secret in it."""

import hashlib
from dataclasses import dataclass

from examples.providers.web import Request

SECRET = {"client_secret", "code", "code_verifier", "access_token", "refresh_token", "token", "id_token"}


def masked(secret: str) -> str:
    """What a secret is shown as: the same for the same one, and of no use."""
    return f"•{hashlib.sha256(secret.encode()).hexdigest()[:8]}" if secret else ""


@dataclass(frozen=True)
class Seen:
    """One request. ``authorization`` is scheme and, masked, what followed; of Basic the client's id stays."""

    kind: str
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    authorization: str
    user_agent: str

    @property
    def parameters(self) -> dict[str, str]:
        """Of address and body."""
        return self.query | self.form


def seen(kind: str, request: Request) -> Seen:
    """What is remembered of a request."""
    scheme, credentials = request.authorization
    name, secret = request.basic
    shown = f"{name}:{masked(secret)}" if name else masked(credentials)
    return Seen(
        kind,
        request.method,
        request.path,
        _without_secrets(request.query),
        _without_secrets(request.form),
        f"{scheme} {shown}".strip(),
        request.headers["User-Agent"] or "",
    )


def _without_secrets(values: dict[str, str]) -> dict[str, str]:
    return {name: masked(value) if name in SECRET else value for name, value in values.items()}

"""What in usable settings is looser than a portal should be that people use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings


def grave(settings: "Settings") -> list[str]:
    """The variables that leave people without protection."""
    found = {
        "FLASK_DEBUG": settings.server.debug,
        "RATE_LIMIT_ENABLED": not settings.limits.enabled,
        "RATE_LIMIT_LOGIN": settings.limits.login in {"", "none"},
    }
    return [name for name, is_so in found.items() if is_so]


def loose(settings: "Settings") -> list[str]:
    """The variables that are better changed."""
    mail = settings.mail
    found = {
        "TRUSTED_PROXIES": settings.lacks_proxy,
        "DEVELOPER_PAGES": settings.server.developer_pages == "everyone",
        "JWT_ALGORITHM": settings.tokens.algorithm == "HS256",
        "MAIL_USE_TLS": bool(mail.server) and not (mail.use_tls or mail.use_ssl),
        "PUBLIC_URL": not settings.is_https,
    }
    return [name for name, is_so in found.items() if is_so]

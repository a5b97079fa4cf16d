"""Every setting, as the process that answers has it; nothing here changes one."""

from app.admin.lists import Filters
from app.admin.pages import desk, show
from app.database import UNAVAILABLE
from app.errors import sentence
from app.languages import gettext as _
from app.services.foundation.powers import SYSTEM
from app.settings import risks
from app.settings.rows import SettingRow, Source
from app.wiring import services

settings_desk = desk("admin_settings", "/settings", SYSTEM)
bp = settings_desk.bp

GROUPS = {
    "server": sentence("Server"),
    "storage": sentence("Database and Redis"),
    "secrets": sentence("Keys of the portal"),
    "tokens": sentence("Tokens"),
    "session": sentence("Sessions"),
    "accounts": sentence("Accounts"),
    "audit": sentence("Audit trail"),
    "providers": sentence("Identity providers"),
    "billing": sentence("Billing"),
    "seed": sentence("A new portal"),
    "mail": sentence("Mail"),
    "limits": sentence("Limits and origins"),
    "observation": sentence("Metrics and traces"),
}
SOURCES = {
    Source.ENVIRONMENT: sentence("Environment"),
    Source.FILE: sentence("File"),
    Source.DERIVED: sentence("Made by the portal"),
    Source.DEFAULT: sentence("Default"),
}
RISKS = {
    "FLASK_DEBUG": sentence("Debugging shows the inside of the portal to everybody."),
    "RATE_LIMIT_ENABLED": sentence("Nothing slows down who guesses passwords."),
    "RATE_LIMIT_LOGIN": sentence("Nothing slows down who guesses passwords."),
    "TRUSTED_PROXIES": sentence(
        "The address is https, so a proxy stands in front, but none is trusted: all people share its address and its "
        "limits."
    ),
    "DEVELOPER_PAGES": sentence("Everybody sees the pages for developers."),
    "JWT_ALGORITHM": sentence("Access tokens are signed with a secret that backends share."),
    "MAIL_USE_TLS": sentence("Mails travel in clear to the server."),
    "PUBLIC_URL": sentence("People reach the portal without TLS."),
}
DATABASE_ROLE = sentence("The role of the portal can do more in the database than it needs. The self-check says what.")


@bp.get("")
def settings() -> str:
    """Settings by group, of which all that the address asks for holds."""
    filters = Filters(q=None, group=GROUPS, source=tuple(SOURCES), set=("yes", "no"))
    rows = [row for row in services.settings.rows() if _fits(row, filters)]
    risky = {} if not services.settings.is_production else {name: RISKS[name] for name in _risky()}
    return show(
        "system/settings",
        filters=filters,
        groups=[(name, [row for row in rows if row.group == name]) for name in GROUPS],
        titles=GROUPS,
        meanings={row.variable: _(row.meaning) for row in rows},
        sources=SOURCES,
        count=len(rows),
        risky=risky,
        grave=risks.grave(services.settings),
        database_role=DATABASE_ROLE if _is_role_weak() else None,
        is_production=services.settings.is_production,
    )


def _fits(row: SettingRow, filters: Filters) -> bool:
    words = (filters["q"] or "").casefold().split()
    known = f"{row.variable} {row.meaning} {_(row.meaning)}".casefold()
    return (
        all(word in known for word in words)
        and filters["group"] in {None, row.group}
        and filters["source"] in {None, row.source}
        and filters.said("set") in {None, bool(row.value)}
    )


def _risky() -> list[str]:
    return [*risks.grave(services.settings), *risks.loose(services.settings)]


def _is_role_weak() -> bool:
    try:
        return services.db.role_weakness() is not None
    except UNAVAILABLE:
        return False

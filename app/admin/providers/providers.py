"""Each provider: whether people can come in by it, what to set and to register, how it fares; and asking it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app
from flask_login import current_user

from app.admin.pages import Answer, PlainForm, desk, show
from app.admin.providers.words import CONSOLES, EMAILS, FAILURES, LINKING, OTHER_FAILURE, SPANS, TRUSTED, UNTRUSTED
from app.errors import NotFound
from app.languages import current_language
from app.languages import gettext as _
from app.selfcheck.findings import Finding, Outcome
from app.services.foundation.environment import Caller
from app.services.foundation.pages import Count
from app.services.foundation.powers import AUDIT, SYSTEM
from app.services.identities.provider_uses import ProviderUse
from app.settings.providers import KNOWN, NEEDED, variable_part
from app.settings.rows import SettingRow
from app.web.presentation import in_words
from app.web.providers import ORDER, provider_title
from app.wiring import services

providers_desk = desk("admin_providers", "/providers", SYSTEM)
bp = providers_desk.bp
ROOTS = ("/auth", "/api/v1/auth", "/api/auth")
"""Below which a login begins and comes back; front ends use the last two."""
WEBHOOK = "/auth/kakao/webhook"
Trials = Callable[[str, Caller], list[Finding]]


@dataclass(frozen=True, slots=True)
class Row:
    """A provider in the list."""

    name: str
    title: str
    is_there: bool
    linked: Count
    use: ProviderUse
    needed: tuple[str, ...]


@bp.get("")
def providers() -> str:
    """All of them: those people can come in by, those that are known, and those that were there once."""
    lately = services.provider_uses.lately()
    rows = [_row(name, lately) for name in _names()]
    return show(
        "providers/providers",
        rows=sorted(rows, key=lambda row: not row.is_there),
        spans=SPANS,
        generic_names=services.settings.providers.generic_names,
    )


@bp.get("/<name>")
def provider(name: str) -> str:
    """One of them."""
    return show("providers/provider", **_about(_known(name)))


@bp.post("/<name>/test")
def test(name: str) -> Answer:
    """Ask it whether a login by it would work, and say what it answered."""
    form = PlainForm()
    if _known(name) not in services.settings.providers.names:
        raise NotFound
    if not form.validate_on_submit():
        return show("providers/provider", form, **_about(name)), 400
    try_out = cast(Trials, current_app.extensions["provider_trials"])
    findings = try_out(name, providers_desk.acting())
    return show(
        "providers/test",
        form,
        name=name,
        title=in_words(provider_title(name)),
        findings=findings,
        failed=sum(each.outcome is Outcome.FAILED for each in findings),
        language=current_language(),
        sees_audit=current_user.powers.cover(AUDIT),
    )


def _about(name: str) -> dict[str, Any]:
    settings = services.settings.providers
    use = services.provider_uses.lately().get(name) or ProviderUse()
    is_there = name in settings.names
    rows = _settings(name)
    return {
        "name": name,
        "title": in_words(provider_title(name)),
        "is_there": is_there,
        "is_known": name in KNOWN,
        "needed": NEEDED.get(name, ()),
        "console": CONSOLES.get(name),
        "callbacks": [f"{services.settings.issuer}{root}/{name}/callback" for root in ROOTS],
        "webhook": f"{services.settings.issuer}{WEBHOOK}" if name == "kakao" and settings.kakao_admin_key else "",
        "lacks_admin_key": name == "kakao" and is_there and not settings.kakao_admin_key,
        "rows": rows,
        "meanings": {row.variable: _(row.meaning) for row in rows},
        "email_rule": _email_rule(name),
        "linking": LINKING,
        "linked": services.provider_uses.linked(name),
        "use": use,
        "spans": SPANS,
        "failures": [
            (_(FAILURES.get(reason, OTHER_FAILURE)), count, last_at) for reason, count, last_at in use.reasons if count
        ],
    }


def _names() -> list[str]:
    """Those that are known, in the order of the language, those of the settings, and what people are linked with."""
    order = [*ORDER[current_language()], *services.settings.providers.generic_names]
    return list(dict.fromkeys((*order, *services.provider_uses.names())))


def _known(name: str) -> str:
    """The name of a provider that is in the list; raises :class:`NotFound`."""
    if name not in _names():
        raise NotFound
    return name


def _row(name: str, lately: dict[str, ProviderUse]) -> Row:
    return Row(
        name,
        in_words(provider_title(name)),
        name in services.settings.providers.names,
        services.provider_uses.linked(name),
        lately.get(name) or ProviderUse(),
        NEEDED.get(name, ()),
    )


def _settings(name: str) -> list[SettingRow]:
    """The rows of its settings, secrets masked."""
    prefix = f"{name.upper()}_" if name in KNOWN else f"OIDC_{variable_part(name)}_"
    names = services.settings.providers.generic_names
    if name not in KNOWN and name not in names:
        return []
    # OIDC_ACME_… is no setting of acme where another one is called acme-two.
    others = [f"OIDC_{variable_part(each)}_" for each in names if each != name and each.startswith(f"{name}-")]
    return [
        row
        for row in services.settings.rows()
        if row.group == "providers" and row.variable.startswith(prefix) and not row.variable.startswith(tuple(others))
    ]


def _email_rule(name: str) -> str:
    """Whether its addresses count as verified, in the reader's language; empty of one that is gone."""
    if name in EMAILS:
        return _(EMAILS[name])
    settings = services.settings.providers
    if name not in settings.generic_names:
        return ""
    own = settings.generic[settings.generic_names.index(name)]
    setting = f"OIDC_{variable_part(name)}_TRUSTS_EMAIL"
    return _(TRUSTED, setting=setting) if own.trusts_email else _(UNTRUSTED, setting=setting)

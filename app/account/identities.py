"""Accounts at providers that one can log in with: which ones, since when, and their end."""

from dataclasses import dataclass
from uuid import UUID

from flask import request
from flask_login import current_user, fresh_login_required, login_required

from app.account.pages import Answer, PlainForm, bp, done, show
from app.errors import LastWayIn, NotFound, sentence
from app.languages import gettext as _
from app.services.identities.identities import LinkedIdentity
from app.web.providers import provider_buttons, provider_title
from app.web.security import caller
from app.wiring import services


@dataclass(frozen=True, slots=True)
class ProviderOfOne:
    """A provider with what is linked; one that ``is_offered`` can be linked (``opens_outside``: not in this browser).

    ``last_ways`` are the ids of those without which nobody could log in.
    """

    name: str
    title: str
    linked: list[LinkedIdentity]
    last_ways: frozenset[str]
    is_offered: bool = True
    opens_outside: bool = False


@bp.get("/identities")
@login_required
def identities() -> str:
    """The providers, each with what is linked."""
    return _page(PlainForm())


@bp.post("/identities/<uuid:identity_id>/unlink")
@fresh_login_required
def unlink(identity_id: UUID) -> Answer:
    """End a link; who is here stays."""
    form, own_id = PlainForm(), str(identity_id)
    if not form.validate_on_submit():
        return _page(form), 400
    found = next((each for each in services.identities.of(current_user.id) if each.id == own_id), None)
    if found is None:
        raise NotFound
    try:
        services.identities.remove(
            current_user.id, found.provider, caller(), identity_id=own_id, keep_session_id=current_user.session.id
        )
    except LastWayIn as refusal:
        return _page(form, problem=_(refusal.message)), refusal.status
    return done("account.identities", sentence("The link is removed. That account no longer opens this one."))


def _page(form: PlainForm, problem: str = "") -> str:
    linked = services.identities.of(current_user.id)
    has_password = services.accounts.has_password(current_user.id)
    name = request.args.get("linked", "")
    return show(
        "identities",
        form,
        providers=_providers(linked, has_password=has_password),
        problem=problem,
        has_password=has_password,
        just_linked=provider_title(name) if name in {each.provider for each in linked} else "",
    )


def _providers(linked: list[LinkedIdentity], *, has_password: bool) -> list[ProviderOfOne]:
    """Those that are offered, then those that were when something was linked."""
    offered = {button.name: button.opens_outside for button in provider_buttons()}
    ways = [each.id for each in linked if each.provider in offered]
    last_ways = frozenset(each.id for each in linked if not has_password and not set(ways) - {each.id})
    return [
        ProviderOfOne(
            name,
            provider_title(name),
            [each for each in linked if each.provider == name],
            last_ways,
            is_offered=name in offered,
            opens_outside=offered.get(name, False),
        )
        for name in dict.fromkeys([*offered, *(each.provider for each in linked)])
    ]

"""How the account stands: what can be improved, and where to look further."""

from dataclasses import dataclass
from datetime import timedelta

from flask import url_for
from flask_login import current_user, login_required

from app.account.pages import Answer, PlainForm, bp, device, done, show
from app.errors import sentence
from app.languages import current_language
from app.languages import gettext as _
from app.services.people.profiles import Profile
from app.services.record.audit import Event
from app.web.presentation import application
from app.wiring import services

OLD_PASSWORD = timedelta(days=365)
NAMED = 3
"""So many devices and applications are named; the rest is a number."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """Something that would make the account better; one that a button does has ``is_button``."""

    title: str
    text: str
    label: str
    href: str
    is_button: bool = False


@bp.get("")
@login_required
def overview() -> str:
    """The account at a glance."""
    return _page(PlainForm())


@bp.post("/verification")
@login_required
def send_verification() -> Answer:
    """Mail the link that verifies the address once more."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(form), 400
    services.email_addresses.send_verification(current_user.id, current_language())
    return done("account.overview", sentence("We sent a link to your e-mail address. Open it to verify the address."))


def _page(form: PlainForm) -> str:
    user_id = current_user.id
    login = services.activity.latest(user_id, Event.LOGIN_SUCCEEDED)
    sessions = services.sessions.page(user_id, limit=NAMED)
    apps, quota = services.connected_apps.of(user_id), services.quotas.read(user_id)
    return show(
        "overview",
        form,
        improvements=_improvements(services.profiles.get(user_id)),
        login=login,
        login_device=device(login.user_agent) if login and login.user_agent else None,
        sessions=sessions.total,
        # Several sessions of one kind are one name.
        devices=list(dict.fromkeys(device(each.user_agent, each.device_name).name for each in sessions.items)),
        apps=[application(each.client) for each in apps[:NAMED]],
        apps_total=len(apps),
        plan_title=services.plans.title(quota.plan),
        quota=quota,
    )


def _improvements(profile: Profile) -> list[Improvement]:
    found = []
    if not profile.email_verified and services.mail.is_possible:
        found.append(
            Improvement(
                _("Verify your e-mail address"),
                _("If you are ever locked out, we write there. Open the link we sent you, or have it sent again."),
                _("Send the link again"),
                url_for("account.send_verification"),
                is_button=True,
            )
        )
    set_at = profile.password_changed_at
    if set_at and services.clock() - set_at > OLD_PASSWORD:
        found.append(
            Improvement(
                _("Think about a new password"),
                _("Your password is more than a year old. Change it if you use it anywhere else."),
                _("Change password"),
                url_for("account.password"),
            )
        )
    if not profile.full_name:
        found.append(
            Improvement(
                _("Add your name"),
                _("Applications show your username instead."),
                _("Add your name"),
                url_for("account.profile"),
            )
        )
    return found

"""One person: what is known of them, and what an administrator does for them."""

from typing import Any

from flask_login import fresh_login_required
from wtforms import SelectField, StringField

from app.admin.pages import Answer, PlainForm, done, show
from app.admin.people.access import ENDED, device, is_within_reach
from app.admin.people.beside import LIKENESSES
from app.admin.people.listing import bp, people_desk
from app.errors import InvalidInput, TooManyAttempts, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.people.email_names import fold
from app.web.forms import Form, put_beside
from app.wiring import services

FEW = 3
OTHER_ADDRESS = sentence("This is not the e-mail address of the account.")
DONE = {
    "disable": sentence("The account is disabled. Its sessions and tokens have ended."),
    "enable": sentence("The account can be used again."),
    "verify": sentence("The e-mail address counts as verified."),
    "unverify": sentence("The e-mail address no longer counts as verified."),
    "log-out": sentence("All sessions and tokens of the person have ended."),
    "reset": sentence("A link to set a new password is on its way."),
    "invite": sentence("The invitation is on its way."),
}
DELETED = sentence("The account is deleted. What it held is gone for good.")
PLAN_SET = sentence("The plan is changed.")


class PlanForm(Form):
    """Which plan somebody is on."""

    plan = SelectField(_l("Plan"))


class RemovalForm(Form):
    """The address of the account that is to go, typed once more."""

    email = StringField(_l("E-mail address of the account"))


@bp.get("/<uuid:user_id>")
def person(user_id: Any) -> str:
    """A person."""
    return _page(str(user_id), PlainForm())


@bp.post(f"/<uuid:user_id>/<any({', '.join(map(repr, DONE))}):deed>")
def act(user_id: Any, deed: str) -> Answer:
    """Do what the button says."""
    form, who = PlainForm(), str(user_id)
    if not form.validate_on_submit():
        return _page(who, form), 400
    entry, caller = services.directory.one(who).entry, people_desk.acting_on(who)
    try:
        if deed == "disable":
            services.administration.disable(who, caller)
        elif deed == "enable":
            services.administration.enable(who, caller)
        elif deed in {"verify", "unverify"}:
            services.administration.vouch(who, deed == "verify", caller)
        elif deed == "log-out":
            services.sessions.end_everything(who, ENDED, caller)
        elif deed == "invite":
            services.password_resets.invite(who, caller)
        else:
            services.password_resets.request(entry.email, entry.locale, None, caller)
    except (InvalidInput, TooManyAttempts) as refusal:
        form.form_errors.append(_(refusal.message))
        return _page(who, form), refusal.status
    return done(DONE[deed], "admin_people.person", user_id=who)


@bp.route("/<uuid:user_id>/plan", methods=["GET", "POST"])
def plan(user_id: Any) -> Answer:
    """Put a person on another plan."""
    who, form = str(user_id), PlanForm()
    found = services.directory.one(who)
    own = services.standings.of(who)
    form.plan.choices = [(each.name, _limit(each.name, each.monthly_limit)) for each in services.plans.all()]
    around = {"person": found.entry, "own": own, "quota": services.quotas.read(who)}
    if not form.is_submitted():
        form.plan.data = own.standing.plan
        return show("people/plan", form, **around)
    if not form.validate():
        return show("people/plan", form, **around), 400
    services.administration.set_plan(who, form.plan.data, people_desk.acting_on(who))
    return done(PLAN_SET, "admin_people.person", user_id=who)


@bp.route("/<uuid:user_id>/delete", methods=["GET", "POST"])
@fresh_login_required
def delete(user_id: Any) -> Answer:
    """Remove an account for good, once its address was typed."""
    who, form = str(user_id), RemovalForm()
    entry = services.directory.one(who).entry
    if not form.is_submitted():
        return show("people/delete", form, person=entry)
    if form.validate() and fold(form.email.data or "") != entry.email:
        form.email.errors = [_(OTHER_ADDRESS)]
    if form.errors:
        return show("people/delete", form, person=entry), 400
    try:
        services.administration.delete(who, people_desk.acting_on(who))
    except InvalidInput as refusal:
        put_beside(form, refusal, "email")
        return show("people/delete", form, person=entry), 400
    return done(DELETED, "admin_people.people")


def _page(who: str, form: PlainForm) -> str:
    found, sessions = services.directory.one(who), services.sessions.page(who, limit=FEW)
    entry = found.entry
    is_new = not entry.has_password and entry.last_login_at is None and not found.identities
    return show(
        "people/person",
        form,
        person=entry,
        bio=services.profiles.get(who).bio,
        groups=found.groups,
        identities=services.identities.of(who),
        likenesses=LIKENESSES,
        alike=services.likenesses.of(who),
        sessions=[(each, device(each.device_name, each.user_agent)) for each in sessions.items],
        total=sessions.total,
        apps=services.connected_apps.of(who),
        quota=services.quotas.read(who),
        can_invite=is_new and services.mail.reaches(entry.email),
        is_within_reach=is_within_reach(who),
    )


def _limit(name: str, limit: int | None) -> str:
    return f"{name} · {limit:,}" if limit is not None else f"{name} · ∞"

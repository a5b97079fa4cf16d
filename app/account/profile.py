"""Who one is, and how pages and mails are written to one."""

from dataclasses import replace

from flask_login import current_user, login_required
from werkzeug import Response

from app.account.forms import ProfileForm
from app.account.pages import Answer, bp, done, put_beside, show
from app.errors import InvalidFields, sentence
from app.languages import COOKIE, current_language
from app.services.people.profiles import RULES, Profile, timezones
from app.web.choices import keep_choice
from app.web.security import caller
from app.wiring import services


@bp.route("/profile", methods=["GET", "POST"])
@login_required
def profile() -> Answer:
    """See and change the profile."""
    present = services.profiles.get(current_user.id)
    form = ProfileForm(obj=replace(present, locale=present.locale or current_language()))
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 400
    changes = {name: form[name].data or "" for name in RULES}
    try:
        changed = services.profiles.update(current_user.id, changes, caller())
    except InvalidFields as refusal:
        put_beside(form, refusal, "full_name")
        return _page(form), 400
    return _saved(present, changed)


def _page(form: ProfileForm) -> str:
    return show("profile", form, timezones=timezones())


def _saved(present: Profile, changed: Profile) -> Response:
    """Another language counts from the next page on, in this browser by the cookie that every page obeys."""
    response = done("account.profile", sentence("Your profile is saved."))
    if changed.locale != present.locale:
        keep_choice(response, COOKIE, changed.locale)
    return response

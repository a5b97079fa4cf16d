"""Who one is, and how pages and mails are written to one."""

from dataclasses import replace

from flask import request
from flask_login import current_user, login_required
from werkzeug import Response
from werkzeug.exceptions import RequestEntityTooLarge

from app.account.forms import ProfileForm
from app.account.pages import Answer, bp, done, show
from app.errors import InvalidFields, InvalidInput, TooManyAttempts, Unavailable, sentence
from app.languages import COOKIE, current_language, timezones
from app.languages import gettext as _
from app.server.uploads import expect_form_with_file
from app.services.people.profiles import RULES, Profile
from app.services.photos.photos import NewPhoto
from app.web.cookies import keep_choice
from app.web.forms import put_beside
from app.web.security import caller
from app.wiring import services

NOTHING_ARRIVED = sentence(
    "The file was so large that nothing of the form was read. Choose a smaller one, and enter your other changes again."
)
UNKNOWN_PLACE = sentence("No city or time zone of this name is known. Try a large city nearby.")
UNSURE_PLACE = sentence("No city or time zone of this name is known. Is it one of these?")
SEVERAL_PLACES = sentence("There are several time zones of this name. Choose one of these.")


@bp.before_request
def take_a_file() -> None:
    """Before anybody looks into the form: what is typed beside a file is kept for who has to log in again first."""
    if request.endpoint == "account.profile":
        expect_form_with_file()


@bp.route("/profile", methods=["GET", "POST"])
@login_required
def profile() -> Answer:
    """See and change the profile."""
    present = services.profiles.get(current_user.id)
    try:
        form = ProfileForm(obj=_shown(present))
    except RequestEntityTooLarge:
        form = ProfileForm(formdata=None, obj=_shown(present))
        form.photo.errors = [_(NOTHING_ARRIVED)]
        return _page(form), 413
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 400
    return _answer(form, present)


def _answer(form: ProfileForm, present: Profile) -> Answer:
    """Save everything or, where something cannot be used, say all of that at once and save nothing but a good photo.

    For what was typed is in the form again, while a browser gives a file once.
    """
    new, refusal = _photo(form)
    zone, proposals = _zone(form, present)
    changed = present
    try:
        changed = services.profiles.update(present.id, _changes(form, present, zone), caller())
    except InvalidFields as problems:
        put_beside(form, problems, "full_name")
    if form.errors:
        services.db.rollback()
    if new:
        services.photos.put(present.id, new, caller())
    elif not form.errors and form.remove_photo.data:
        services.photos.remove(present.id, caller())
    if not form.errors:
        return _saved(present, changed)
    services.db.commit()
    page = _page(form, proposals, _("Your photo is saved. The rest is not saved yet.") if new else None)
    if isinstance(refusal, TooManyAttempts):
        return page, 429, {"Retry-After": str(refusal.retry_after)}
    return page, refusal.status if refusal else 400


def _photo(form: ProfileForm) -> tuple[NewPhoto | None, InvalidInput | TooManyAttempts | Unavailable | None]:
    """The photo that was sent, if it can be one; or why not, which then stands beside the field."""
    if not form.photo.data:
        return None, None
    try:
        return services.photos.prepare(current_user.id, form.photo.data.read()), None
    except (InvalidInput, TooManyAttempts, Unavailable) as refusal:
        form.photo.errors = [*form.photo.errors, _(refusal.message)]
        return None, refusal


def _zone(form: ProfileForm, present: Profile) -> tuple[str | None, tuple[str, ...]]:
    """The time zone that was meant; or none and those that may be, with what is wrong beside the field."""
    if form.picked_timezone.data:
        form.timezone.data = _label(form.picked_timezone.data)
    found = timezones.find(form.timezone.data or "", services.clock())
    if found.zone == timezones.current_name(present.timezone):
        return present.timezone, ()  # under whichever of its names it was chosen
    if found.zone is None:
        unknown = UNSURE_PLACE if found.proposals else UNKNOWN_PLACE
        form.timezone.errors = [_(SEVERAL_PLACES if found.is_ambiguous else unknown)]
    return found.zone, found.proposals


def _label(zone: str) -> str:
    return timezones.label(zone, current_language(), services.clock())


def _changes(form: ProfileForm, present: Profile, zone: str | None) -> dict[str, str]:
    """What was typed, but for a time zone that is none. A page with a photo asks for no address of a picture."""
    changes = {name: form[name].data or "" for name in RULES}
    changes["timezone"] = zone or present.timezone
    if present.photo and not changes["avatar_url"]:
        del changes["avatar_url"]
    return changes


def _shown(present: Profile) -> Profile:
    """The profile as the form shows it: in words, and an uploaded photo has no address that anybody types."""
    return replace(
        present,
        locale=present.locale or current_language(),
        timezone=_label(present.timezone),
        avatar_url=None if present.photo else present.avatar_url,
        photo=None,
    )


def _page(form: ProfileForm, proposals: tuple[str, ...] = (), notice: str | None = None) -> str:
    return show(
        "profile",
        form,
        timezones=timezones.choices(current_language(), services.clock()),
        proposals=[(zone, _label(zone)) for zone in proposals],
        megabytes=services.settings.accounts.photo_megabytes,
        notice=notice,
    )


def _saved(present: Profile, changed: Profile) -> Response:
    """Another language counts from the next page on, in this browser by the cookie that every page obeys."""
    response = done("account.profile", sentence("Your profile is saved."))
    if changed.locale != present.locale:
        keep_choice(response, COOKIE, changed.locale)
    return response

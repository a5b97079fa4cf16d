"""The links that prove an e-mail address, change it, or take a change back.

Opening one shows what it would do: programs that look through mail open links too. The button does it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import redirect, request, url_for
from flask_login import current_user

from app.errors import InvalidInput, LinkGone, TooManyAttempts, sentence
from app.languages import current_language, prefer
from app.languages import gettext as _
from app.login.forms import LinkForm, PlainForm
from app.login.routes import bp
from app.services.foundation.environment import Caller
from app.services.people.email_addresses import Offer
from app.services.people.one_time_tokens import Purpose
from app.web.security import caller, withhold_address
from app.web.steps import Answer, kept_request, leave_for_login, page, refused
from app.wiring import services


@dataclass(frozen=True, slots=True)
class Words:
    """What the pages of one kind of link say; ``offer`` may name the address, ``undo`` is for what can be undone."""

    purpose: Purpose
    title: str
    offer: str
    button: str
    done_title: str
    done: str
    undo: str = ""


VERIFY = Words(
    Purpose.VERIFY_EMAIL,
    sentence("Verify your e-mail"),
    sentence("Verify that %(email)s is your e-mail address."),
    sentence("Verify"),
    sentence("Your e-mail is verified"),
    sentence("If you began somewhere else, go back to that window; it knows by now."),
)
CHANGE = Words(
    Purpose.CHANGE_EMAIL,
    sentence("Change your e-mail"),
    sentence("From now on you log in with %(email)s."),
    sentence("Change the e-mail"),
    sentence("Your e-mail is changed"),
    sentence("Log in with the new address from now on. You stay logged in where you are."),
    sentence("Your old address is told, and can undo it for 7 days."),
)
RESTORE = Words(
    Purpose.RESTORE_EMAIL,
    sentence("Undo the change of your e-mail"),
    sentence("Your account returns to %(email)s, and every device is logged out."),
    sentence("Undo the change"),
    sentence("Your e-mail was changed back"),
    sentence("Every device was logged out. Whoever made the change may know your password: choose a new one now."),
)


@bp.route("/verify-email", methods=["GET", "POST"])
def verify() -> Answer:
    """Prove an address; without a link, say that one was mailed."""
    withhold_address()
    pending, form = kept_request(), LinkForm()
    if request.method != "POST" and "done" in request.args:
        return page("login/link_done.html", None, pending, words=VERIFY)
    if request.method != "POST" and "token" not in request.args:
        return _waiting()
    try:
        offer = _offered(form, VERIFY.purpose)
        if not form.validate_on_submit():
            return _ask(form, VERIFY, offer)
        user_id = services.email_addresses.verify(form.token.data or "", caller())
    except LinkGone as refusal:
        return _gone(refusal)
    if pending and current_user.is_authenticated and current_user.id == user_id:
        return redirect(url_for("oauth.resume", interaction=pending.id), 303)
    return redirect(url_for("login.verify", done=1, interaction=pending.id if pending else None), 303)


@bp.post("/verify-email/resend")
def resend() -> Answer:
    """Mail another link to the address of whoever is logged in."""
    pending, form = kept_request(), PlainForm()
    here = url_for("login.verify", sent=1, interaction=pending.id if pending else None)
    if not current_user.is_authenticated or current_user.email_verified:
        return redirect(here, 303)
    if not form.validate_on_submit():
        return page("login/verify_waiting.html", form, pending, email=current_user.email), 400
    try:
        services.email_addresses.send_verification(current_user.id, current_language(), pending.id if pending else None)
    except TooManyAttempts as refusal:
        return refused("login/verify_waiting.html", form, pending, refusal, email=current_user.email)
    return redirect(here, 303)


@bp.route("/change-email", methods=["GET", "POST"])
def change_email() -> Answer:
    """Let a new address count."""
    return _by_link(CHANGE, services.email_addresses.change)


@bp.route("/restore-email", methods=["GET", "POST"])
def restore_email() -> Answer:
    """Take a change back."""
    return _by_link(RESTORE, services.email_addresses.restore)


def _by_link(words: Words, carry_out: Callable[[str, Caller], str]) -> Answer:
    """The steps of a link that moves an account to another address: ask, do it, say so."""
    withhold_address()
    form = LinkForm()
    if request.method != "POST" and "done" in request.args:
        return page("login/link_done.html", None, None, words=words)
    try:
        offer = _offered(form, words.purpose)
        if not form.validate_on_submit():
            return _ask(form, words, offer)
        carry_out(form.token.data or "", caller())
    except LinkGone as refusal:
        return _gone(refusal)
    except InvalidInput as refusal:
        return refused("login/link.html", form, None, refusal, words=words, offer=offer)
    if words is RESTORE:
        leave_for_login(offer.email)
    return redirect(url_for(request.endpoint or "", done=1), 303)


def _offered(form: LinkForm, purpose: Purpose) -> Offer:
    """What the link would do; the page is written in its person's language. Raises :class:`LinkGone`."""
    if request.method != "POST":
        form.token.data = request.args.get("token") or form.token.data
    offer = services.email_addresses.offered(form.token.data or "", purpose)
    prefer(offer.locale)
    return offer


def _ask(form: LinkForm, words: Words, offer: Offer) -> Answer:
    shown = page("login/link.html", form, kept_request(), words=words, offer=offer)
    return (shown, 400) if request.method == "POST" else shown


def _gone(refusal: LinkGone) -> Answer:
    return page("login/link_gone.html", PlainForm(), kept_request()), refusal.status


def _waiting() -> Answer:
    """For who is logged in and has a link to look for."""
    pending = kept_request()
    if not current_user.is_authenticated:
        return redirect(url_for("login.login", interaction=pending.id if pending else None), 303)
    if current_user.email_verified:
        return page("login/link_done.html", None, pending, words=VERIFY)
    return page(
        "login/verify_waiting.html",
        PlainForm(),
        pending,
        email=current_user.email,
        notice=_("The mail is on its way.") if "sent" in request.args else None,
    )

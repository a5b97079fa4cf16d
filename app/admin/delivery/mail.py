"""Mails that wait, and whether the server takes them; a mail to oneself shows it."""

from flask_login import current_user

from app.admin.delivery.queues import Queue, mount
from app.admin.pages import Answer, PlainForm, desk, done, show
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.delivery.mail import MAIL
from app.services.foundation.powers import SYSTEM
from app.services.people.password_resets import WISH
from app.wiring import services

mail_desk = desk("admin_mail", "/mail", SYSTEM)
bp = mail_desk.bp
QUEUE = Queue(mail_desk, (MAIL, WISH), ("state", "person"))
TESTED = sentence("The test mail is on its way to your own address. What becomes of it stands here in a few seconds.")


@bp.get("")
def listing() -> str:
    """Mails, the latest first, and the server they go to."""
    return _page(PlainForm())


@bp.post("/test")
def test() -> Answer:
    """Send a mail to whoever is here."""
    form = PlainForm()
    if form.validate_on_submit():
        try:
            sent = services.dispatch.test(current_user.id, mail_desk.acting())
            return done(TESTED, "admin_mail.one", delivery_id=sent)
        except InvalidInput as refusal:
            form.form_errors.append(_(refusal.message))
    return _page(form), 400


def _page(form: PlainForm) -> str:
    settings = services.settings
    return show(
        "delivery/mail",
        form,
        **QUEUE.listing(
            mail=settings.mail,
            keeps_mail=settings.keeps_mail,
            can_mail=settings.can_mail,
            arrived_at=services.soundness.mails().last_arrival,
            trouble=services.deliveries.latest_trouble((MAIL,)),
            own=services.accounts.find(current_user.id),
        ),
    )


mount(QUEUE)

"""A queue on pages: what waits, what failed and why, one of it; trying it now, and taking it out for good.

The rules are those of the commands ``mail retry`` and ``mail drop``: :class:`app.services.delivery.dispatch.Dispatch`.
Nothing here shows what a mail says: its links let whoever has them into an account.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask_login import current_user, fresh_login_required
from werkzeug.exceptions import BadRequest

from app.admin.delivery.words import KINDS, STATES, told
from app.admin.lists import PAGE, Filters, person_id
from app.admin.pages import Answer, Desk, PlainForm, asked, done, show
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.services.foundation.powers import CLIENTS, USERS
from app.services.oversight.deliveries import DeliveryState, SeenDelivery, WantedDeliveries
from app.wiring import services

RETRIED = sentence("It is tried now. What becomes of it stands here in a few seconds.")
ALL_RETRIED = sentence("All that failed is tried now. What becomes of it stands here in a few seconds.")
NOTHING_FAILS = sentence("Nothing waits after a failure. Nothing was changed.")
DROPPED = sentence("It is taken out of the queue. It will not be sent.")


@dataclass(frozen=True, slots=True)
class Queue:
    """Deliveries of some kinds, on the pages of a desk; ``filtered`` are the names of what a list can ask for."""

    desk: Desk
    kinds: tuple[str, ...]
    filtered: Collection[str]

    def listing(self, **context: object) -> dict[str, Any]:
        """What a page of the list shows."""
        choices: dict[str, Collection[str] | None] = {"state": tuple(STATES), "kind": self.kinds}
        filters = Filters(**{name: choices.get(name) for name in self.filtered})
        problems, person = {}, None
        try:
            person = person_id(typed) if (typed := filters.get("person")) else None
        except InvalidInput as refusal:
            problems["person"] = _(refusal.message)
        wanted = WantedDeliveries(
            kind=filters.get("kind"),
            state=DeliveryState(filters["state"]) if filters["state"] else None,
            user_id=person,
            client_id=filters.get("client"),
            kinds=self.kinds,
        )
        page = None if problems else services.deliveries.page(wanted, limit=PAGE, after=asked("after"))
        counts = services.outbox.counts()
        return {
            "filters": filters,
            "problems": problems,
            "page": page,
            "names": _names(page.items if page else ()),
            "count_of": {state: sum(counts.get(kind, {}).get(state, 0) for kind in self.kinds) for state in STATES},
            "states": STATES,
            "kinds": KINDS,
            "told": told,
            "sees_people": current_user.powers.cover(USERS),
            **context,
        }

    def found(self, delivery_id: object) -> SeenDelivery:
        """A delivery of these kinds; raises :class:`NotFound` for any other."""
        seen = services.deliveries.one(str(delivery_id))
        if seen.kind not in self.kinds:
            raise NotFound
        return seen

    def page_of(self, seen: SeenDelivery, form: PlainForm) -> str:
        """One delivery."""
        return show(
            "delivery/one",
            form,
            seen=seen,
            name=_names([seen]).get(seen.user_id or ""),
            envelope=services.mail.envelope(seen.id) if seen.kind in self.kinds else None,
            told=told(seen.error),
            states=STATES,
            kinds=KINDS,
            here=self.desk.bp.name,
            sees_people=current_user.powers.cover(USERS),
            sees_clients=current_user.powers.cover(CLIENTS),
            now=services.clock(),
        )


class Pages:
    """The pages of one delivery, and what is done to one or to all, for a queue."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.name = queue, queue.desk.bp.name

    def one(self, delivery_id: Any) -> str:
        """One delivery: what became of it, and why not."""
        return self.queue.page_of(self.queue.found(delivery_id), PlainForm())

    def retry(self, delivery_id: Any) -> Answer:
        """Have one tried now."""
        form, seen = PlainForm(), self.queue.found(delivery_id)
        if not form.validate_on_submit():
            return self.queue.page_of(seen, form), 400
        try:
            services.dispatch.retry(seen.id, self.queue.desk.acting())
        except InvalidInput as refusal:
            form.form_errors.append(_(refusal.message))
            return self.queue.page_of(seen, form), 400
        return done(RETRIED, f"{self.name}.one", delivery_id=seen.id)

    def retry_all(self) -> Answer:
        """Have everything of this queue tried now that waits after a failure."""
        form = PlainForm()
        if form.validate_on_submit():
            count = services.dispatch.retry_all(self.queue.desk.acting(), self.queue.kinds)
            return done(ALL_RETRIED if count else NOTHING_FAILS, f"{self.name}.listing")
        raise BadRequest

    def drop(self, delivery_id: Any) -> Answer:
        """Say what is lost with one, and take it out of the queue."""
        form, seen, desk = PlainForm(), self.queue.found(delivery_id), self.queue.desk
        if form.is_submitted() and form.validate():
            acting = desk.acting_on(seen.user_id) if seen.user_id else desk.acting()
            try:
                services.dispatch.drop(seen.id, acting, kind=seen.kind, user_id=seen.user_id, client_id=seen.client_id)
                return done(DROPPED, f"{self.name}.one", delivery_id=seen.id)
            except InvalidInput as refusal:
                form.form_errors.append(_(refusal.message))
        envelope = services.mail.envelope(seen.id)
        page = show("delivery/drop", form, seen=seen, kinds=KINDS, here=self.name, envelope=envelope)
        return (page, 400) if form.errors else page


def mount(queue: Queue) -> None:
    """Put these pages on the desk of a queue."""
    bp, pages = queue.desk.bp, Pages(queue)
    bp.add_url_rule("/<uuid:delivery_id>", "one", pages.one)
    bp.add_url_rule("/<uuid:delivery_id>/retry", "retry", pages.retry, methods=["POST"])
    bp.add_url_rule("/retry", "retry_all", pages.retry_all, methods=["POST"])
    drop = fresh_login_required(pages.drop)
    bp.add_url_rule("/<uuid:delivery_id>/drop", "drop", drop, methods=["GET", "POST"])


def _names(deliveries: Collection[SeenDelivery]) -> dict[str, str]:
    """What people are called, by id, for who may look at people."""
    ids = [each.user_id for each in deliveries if each.user_id]
    return services.directory.names(ids) if ids and current_user.powers.cover(USERS) else {}

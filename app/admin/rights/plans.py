"""Plans: what each gives in a month, how many people are on it, and another limit.

Which plans there are is settled in the database; what is changed here is how much they give.
"""

from flask_login import fresh_login_required

from app.admin.pages import Answer, PlainForm, asked, desk, done, show
from app.errors import InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.services.foundation.powers import SYSTEM
from app.services.plans.catalogue import MOST, UNKNOWN
from app.wiring import services

plans_desk = desk("admin_plans", "/plans", SYSTEM)
bp = plans_desk.bp
CHANGED = sentence("The plan gives this much from now on.")
NO_LIMIT = sentence("A limit is a whole number from 0 to 1,000,000,000, or - for as much as one likes.")
UNLIMITED = "-"


@bp.get("")
def plans() -> str:
    """Plans, from the least to the most."""
    return show("rights/plans", plans=[(each, services.plan_uses.on(each.name)) for each in services.plans.all()])


@bp.route("/<name>", methods=["GET", "POST"])
@fresh_login_required
def plan(name: str) -> Answer:
    """See what another limit does, and set it."""
    if (found := services.plans.by_name().get(name)) is None:
        raise NotFound(UNKNOWN)
    form, effect, limit, typed = PlainForm(), None, found.monthly_limit, asked("limit")
    try:
        limit = found.monthly_limit if typed is None else _limit(typed)
        if form.is_submitted() and form.validate():
            services.plans.set_limit(name, limit, plans_desk.acting())
            return done(CHANGED, "admin_plans.plans")
        if limit != found.monthly_limit:
            effect = services.plan_uses.of_limit(name, found.monthly_limit, limit)
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
    return show(
        "rights/plan",
        form,
        plan=found,
        people=services.plan_uses.on(name),
        typed=typed,
        limit=limit,
        effect=effect,
        unlimited=UNLIMITED,
    ), 400 if form.errors else 200


def _limit(typed: str) -> int | None:
    """The number that was typed, None for no limit; raises :class:`InvalidInput`."""
    if typed == UNLIMITED:
        return None
    digits = typed.replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MOST)) and int(digits) <= MOST):
        raise InvalidInput(NO_LIMIT)
    return int(digits)

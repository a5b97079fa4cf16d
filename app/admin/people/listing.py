"""People, found by what is known of them."""

from app.admin.lists import PAGE, YES_NO, Filters
from app.admin.pages import asked, desk, show
from app.services.foundation.powers import USERS
from app.services.oversight.directory import Wanted
from app.wiring import services

people_desk = desk("admin_people", "/people", USERS)
bp = people_desk.bp


@bp.get("")
def people() -> str:
    """People, the newest account first, of whom all that the address asks for holds."""
    filters = Filters(q=None, active=YES_NO, verified=YES_NO, admin=YES_NO, plan=None)
    wanted = Wanted(
        search=filters["q"],
        is_active=filters.said("active"),
        is_verified=filters.said("verified"),
        is_admin=filters.said("admin"),
        effective_plan=filters["plan"],
    )
    page = services.directory.page(wanted, limit=PAGE, after=asked("after"))
    return show("people/listing", page=page, filters=filters, plans=[each.name for each in services.plans.all()])

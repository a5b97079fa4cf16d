"""People, found by what is known of them."""

from dataclasses import dataclass

from app.admin.pages import asked, desk, show
from app.services.foundation.powers import USERS
from app.services.oversight.directory import Wanted
from app.wiring import services

people_desk = desk("admin_people", "/people", USERS)
bp = people_desk.bp
PAGE = 50
YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for, as it stands in it; what it cannot mean is nothing."""

    q: str | None
    active: str | None
    verified: str | None
    admin: str | None
    plan: str | None

    @classmethod
    def of_address(cls) -> "Filters":
        """Those of the page at hand."""
        choices = {
            name: value if (value := asked(name)) in YES_NO else None for name in ("active", "verified", "admin")
        }
        return cls(asked("q"), plan=asked("plan"), **choices)

    @property
    def are_any(self) -> bool:
        """Whether fewer than all people are asked for."""
        return any(self.of_link().values())

    @property
    def wanted(self) -> Wanted:
        """The same for who finds them."""
        is_active, is_verified, is_admin = (YES_NO.get(each or "") for each in (self.active, self.verified, self.admin))
        return Wanted(
            search=self.q, is_active=is_active, is_verified=is_verified, is_admin=is_admin, effective_plan=self.plan
        )

    def of_link(self) -> dict[str, str | None]:
        """What a link to another page of the list says."""
        return {"q": self.q, "active": self.active, "verified": self.verified, "admin": self.admin, "plan": self.plan}


@bp.get("")
def people() -> str:
    """People, the newest account first, of whom all that the address asks for holds."""
    filters, after = Filters.of_address(), asked("after")
    page = services.directory.page(filters.wanted, limit=PAGE, after=after)
    plans = [(each.name, each.name) for each in services.plans.all()]
    return show("people", people=page.items, next=page.next, is_first=after is None, filters=filters, plans=plans)

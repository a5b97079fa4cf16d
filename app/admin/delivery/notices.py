"""What is told to others than people: applications that somebody logged out, providers that an account has ended."""

from app.admin.delivery.queues import Queue, mount
from app.admin.pages import desk, show
from app.services.delivery.logout_notices import KIND as LOGOUT_NOTICE
from app.services.foundation.powers import SYSTEM
from app.services.identities.farewells import FAREWELL

notices_desk = desk("admin_notices", "/notices", SYSTEM)
bp = notices_desk.bp
QUEUE = Queue(notices_desk, (LOGOUT_NOTICE, FAREWELL), ("state", "kind", "client", "person"))


@bp.get("")
def listing() -> str:
    """Notices, the latest first."""
    return show("delivery/notices", **QUEUE.listing())


mount(QUEUE)

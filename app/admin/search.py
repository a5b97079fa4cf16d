"""What is found of all parts that whoever searches may see, by one line of text."""

from flask_login import current_user

from app.admin.pages import asked, desk, show
from app.services.foundation.powers import USERS
from app.services.oversight.directory import Wanted
from app.wiring import services

search_desk = desk("admin_search", "/search")
bp = search_desk.bp
FEW = 10


@bp.get("")
def search() -> str:
    """The first people of whom the text is a part."""
    query, people = asked("q"), None
    if query and current_user.powers.cover(USERS):
        people = services.directory.page(Wanted(search=query), limit=FEW)
    return show("search", query=query, people=people)

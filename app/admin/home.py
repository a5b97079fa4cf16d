"""The first page of the administration: how much there is of what, and where to go."""

from datetime import timedelta

from flask_login import current_user

from app.admin.pages import desk, show
from app.admin.places import Area, areas_for
from app.wiring import services

SERVICE_API = "/api/admin/oauth/service"
home_desk = desk("admin_home", "")
bp = home_desk.bp


@bp.get("")
def home() -> str:
    """What is there now, and the ways to it."""
    figures = services.statistics.figures(timedelta(hours=1), 24)
    return show(
        "home", figures=figures, ways=[place for area in areas_for(current_user.powers)[1:] for place in area.places]
    )


@bp.app_template_global("admin_areas")
def navigation() -> list[Area]:
    """Where the person who is here can go."""
    return areas_for(current_user.powers)


@bp.app_template_global("service_api")
def service_api() -> str:
    """Where the calls of the service API go that pages show."""
    return services.settings.issuer + SERVICE_API

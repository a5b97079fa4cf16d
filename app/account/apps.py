"""Applications that may act for one, and taking that back."""

from flask_login import current_user, login_required

from app.account.pages import Answer, PlainForm, bp, done, show
from app.errors import sentence
from app.languages import current_language
from app.web.presentation import application
from app.web.security import caller
from app.wiring import services


@bp.get("/apps")
@login_required
def apps() -> str:
    """The applications with access, the latest used first."""
    return _page(PlainForm())


@bp.post("/apps/<client_id>/remove")
@login_required
def remove_app(client_id: str) -> Answer:
    """End an application's access."""
    form = PlainForm()
    if not form.validate_on_submit():
        return _page(form), 400
    services.connected_apps.remove(current_user.id, client_id, caller())
    return done("account.apps", sentence("The access is removed. What the application held is void now."))


def _page(form: PlainForm) -> str:
    found = services.connected_apps.of(current_user.id)
    names = {scope for app in found for scope in app.scopes}
    sentences = {each.name: each.sentence for each in services.scopes.sentences(names, current_language())}
    listed = [
        {
            "app": application(each.client),
            "home_uri": each.client.home_uri,
            "is_active": each.client.is_active,
            "since": each.since,
            "used_at": each.used_at,
            # In the order of the catalogue; a scope that is in it no longer goes by its name.
            "scopes": [*(sentences[name] for name in sentences if name in each.scopes)]
            + [name for name in each.scopes if name not in sentences],
        }
        for each in found
    ]
    return show("apps", form, apps=listed)

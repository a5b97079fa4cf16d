"""Forms about what is on record and what is open."""

import re
from collections.abc import Callable
from typing import Any

from app.services.oversight.grants import WantedGrants
from tests.account.browsing import Facts
from tests.relying_party import RelyingParty, add_client, add_person, log_in
from tests.security.administration.offices import administrator, sent
from tests.security.changes import Form
from tests.security.parties import Parties

TOKENS = "/admin/tokens"
SAVING = "/admin/audit/saved/new"


def login(parties: Parties) -> tuple[Any, Any]:
    """A session of somebody new, and what an application holds by it."""
    parties.count += 1
    name = f"record-{parties.count}"
    who = add_person(parties.app, f"{name}@example.com")
    browser = parties.app.test_client()
    log_in(browser, f"{name}@example.com")
    secret = add_client(parties.app, name, consent_policy="implicit")
    RelyingParty(browser, name, secret).tokens()
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        (session,) = services.sessions.page(who).items
        (grant,) = services.grants.grants(WantedGrants(user_id=who), limit=1).items
    return session, grant


def ending(parties: Parties) -> Form:
    """The form that ends a session."""
    return Form(administrator(parties), f"/admin/sessions/{login(parties)[0].id}/end")


def revoking(parties: Parties) -> Form:
    """The form that ends what an application holds."""
    return Form(administrator(parties), f"{TOKENS}/{login(parties)[1].id}/revoke")


def looking_up(parties: Parties) -> Form:
    """The form that says what an access token is worth."""
    grant = login(parties)[1]
    jti = Facts(parties.app).one("SELECT access_jti FROM token_families WHERE id = :id", id=grant.id)
    return Form(administrator(parties), f"{TOKENS}/denied", {"pasted": jti})


def denying(parties: Parties) -> Form:
    """The form that denies an access token, once that was looked up."""
    found = looking_up(parties)
    page = found.send(found.token()).text
    return Form(found.browser, f"{found.path}/deny", {"mark": re.findall(r'name="mark" value="([^"]+)"', page)[0]})


def removing(parties: Parties) -> Form:
    """The form that removes a filter its administrator saved just now."""
    browser = administrator(parties)
    saving = Form(browser, f"{SAVING}?action=role:created", {"name": "To be removed"})
    assert saving.send(saving.token()).status_code == 303
    found = re.findall(r'action="(/admin/audit/saved/[^"]+/remove)"', browser.get("/admin/audit/saved").text)
    return Form(browser, found[0])


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_audit.export": sent("/admin/audit/export", format="csv"),
    "admin_audit.verify": sent("/admin/audit/verify"),
    "admin_audit.save": sent(f"{SAVING}?action=role:created", name="Saved by its form"),
    "admin_audit.remove": removing,
    "admin_sessions.end": ending,
    "admin_tokens.revoke": revoking,
    "admin_tokens.deny": denying,
}

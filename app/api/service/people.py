"""People with an account."""

import secrets
from dataclasses import asdict

from app.api.inputs import row_id
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.service.answers import (
    Account,
    AccountList,
    Ended,
    GroupOfAccount,
    IdentityOfAccount,
    NewAccount,
    WholeAccount,
    counted,
)
from app.api.service.asked import NewUser, PeopleWanted, UserChange
from app.api.service_token import Service
from app.errors import InvalidInput
from app.services.oversight.directory import Entry, Wanted
from app.wiring import services

routes = Routes("Service: users")
SCOPES = ("admin:users",)
BYTES_OF_PASSWORD = 15
ENDED = "ended_by_administrator"
WITH_PLAN = "Say the plan with its status and end."


@routes("GET", "/users", Access.SERVICE, scopes=SCOPES, query=PeopleWanted, answer=AccountList)
def users(service: Service, query: PeopleWanted) -> AccountList:
    """People, as they are sorted."""
    wanted = Wanted(
        search=query.search,
        is_active=query.is_active,
        is_verified=query.email_verified,
        is_admin=query.is_admin,
        plan=query.plan,
        effective_plan=query.effective_plan,
        email=query.email,
        is_leaving=query.is_leaving,
        role=query.role,
        group=query.group,
        provider=query.provider,
        created_since=query.created_since,
        created_until=query.created_until,
        login_since=query.login_since,
        login_until=query.login_until,
        has_logged_in=query.has_logged_in,
    )
    page = services.directory.page(wanted, limit=query.limit, after=query.cursor, sort=query.sort)
    count = counted(services.directory.count(wanted)) if query.count else None
    shown = [Account(**asdict(each)) for each in page.items]
    return AccountList(users=shown, next=page.next, previous=page.previous, count=count)


@routes("POST", "/users", Access.SERVICE, scopes=SCOPES, body=NewUser, answer=NewAccount, status=201)
def create_user(service: Service, body: NewUser) -> NewAccount:
    """Make an account. Without a password one is made, and shown once."""
    if body.is_admin:
        service.require_full()
    chosen = body.password or secrets.token_urlsafe(BYTES_OF_PASSWORD)
    user_id = services.accounts.create(
        body.email,
        chosen,
        name=body.full_name,
        is_admin=body.is_admin,
        is_verified=body.email_verified,
        caller=service.caller,
    )
    entry = services.directory.one(user_id).entry
    return NewAccount(**asdict(entry), password=None if body.password else chosen)


@routes("GET", "/users/<user_id>", Access.SERVICE, scopes=SCOPES, answer=WholeAccount, refusals=(404,))
def user(service: Service, user_id: str) -> WholeAccount:
    """One person, with groups and identities at providers."""
    return _whole(user_id)


@routes(
    "PATCH", "/users/<user_id>", Access.SERVICE, scopes=SCOPES, body=UserChange, answer=WholeAccount, refusals=(404,)
)
def change_user(service: Service, user_id: str, body: UserChange) -> WholeAccount:
    """Change an account. What concerns an administrator, or makes one, needs `admin:full`."""
    person, named = within_reach(service, user_id), body.model_fields_set
    act, caller = services.administration, service.caller
    # First: whoever changes a role waits for others who do, and then for the person's row.
    if "role" in named:
        act.set_role(person.id, body.role, caller, approve=service.require_full_if)
    if "is_active" in named:
        (act.enable if body.is_active else act.disable)(person.id, caller)
    if "email_verified" in named:
        act.vouch(person.id, body.email_verified, caller)
    if "plan" in named:
        act.set_plan(person.id, body.plan, caller, status=body.plan_status, ends_at=body.plan_ends_at)
    elif named & {"plan_status", "plan_ends_at"}:
        raise InvalidInput(WITH_PLAN, "plan")
    if changes := body.given():
        act.change(person.id, changes, caller)
    return _whole(person.id)


@routes("DELETE", "/users/<user_id>", Access.SERVICE, scopes=SCOPES, answer=Done, refusals=(404,))
def delete_user(service: Service, user_id: str) -> Done:
    """Remove an account at once and for good. Of an administrator, with `admin:full`; the last one stays."""
    services.administration.delete(within_reach(service, user_id).id, service.caller)
    return Done(message="User deleted")


@routes("POST", "/users/<user_id>/end-sessions", Access.SERVICE, scopes=SCOPES, answer=Ended, refusals=(404,))
def end_sessions(service: Service, user_id: str) -> Ended:
    """Log a person out everywhere: every session and every token ends."""
    person = within_reach(service, user_id)
    return Ended(ended=services.sessions.end_everything(person.id, ENDED, service.caller))


@routes(
    "POST", "/users/<user_id>/password-reset", Access.SERVICE, scopes=SCOPES, answer=Done, status=202, refusals=(404,)
)
def send_reset(service: Service, user_id: str) -> Done:
    """Mail the person a link to set a new password; the present one stays good until then."""
    person = within_reach(service, user_id)
    services.password_resets.request(person.email, person.locale, None, service.caller)
    return Done(message="The link is on its way")


def within_reach(service: Service, user_id: str) -> Entry:
    """The person, whom this token may change."""
    person = services.directory.one(row_id(user_id)).entry
    if person.is_admin:
        service.require_full()
    return person


def _whole(user_id: str) -> WholeAccount:
    found = services.directory.one(row_id(user_id))
    return WholeAccount(
        **asdict(found.entry),
        groups=[GroupOfAccount(**asdict(each)) for each in found.groups],
        identities=[IdentityOfAccount(**asdict(each)) for each in found.identities],
    )

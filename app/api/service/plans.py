"""Plans, what was granted beside them, and quotas."""

from dataclasses import asdict

from app.api.inputs import row_id
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.service.answers import OverrideList, OverrideOfAccount, Plan, PlanList, QuotaOfAccount
from app.api.service.asked import LimitChange, NewOverride
from app.api.service.people import within_reach
from app.api.service_token import Service
from app.services.plans.effective import Override
from app.services.plans.quotas import QuotaState
from app.wiring import services

routes = Routes("Service: plans")
SCOPES = ("admin:users",)


@routes("GET", "/plans", Access.SERVICE, scopes=SCOPES, answer=PlanList)
def plans(service: Service) -> PlanList:
    """All plans, from the least to the most."""
    return PlanList(plans=[Plan(**asdict(each)) for each in services.plans.all()])


@routes("PATCH", "/plans/<plan>", Access.SERVICE, scopes=SCOPES, body=LimitChange, answer=Plan, refusals=(404,))
def set_limit(service: Service, plan: str, body: LimitChange) -> Plan:
    """Change how much a plan gives in a month. It counts at once; what was used is kept."""
    return Plan(**asdict(services.plans.set_limit(plan, body.monthly_limit, service.caller)))


@routes("GET", "/users/<user_id>/quota", Access.SERVICE, scopes=SCOPES, answer=QuotaOfAccount, refusals=(404,))
def quota(service: Service, user_id: str) -> QuotaOfAccount:
    """How much a person may take this month, and how much is left."""
    found = row_id(user_id)
    return _shown(found, services.quotas.read(found))


@routes("POST", "/users/<user_id>/quota/reset", Access.SERVICE, scopes=SCOPES, answer=QuotaOfAccount, refusals=(404,))
def reset_quota(service: Service, user_id: str) -> QuotaOfAccount:
    """Set a person's use of the month under way back to 0; its end stays."""
    person = within_reach(service, user_id)
    return _shown(person.id, services.quotas.reset(person.id, service.caller))


@routes("GET", "/users/<user_id>/overrides", Access.SERVICE, scopes=SCOPES, answer=OverrideList, refusals=(404,))
def overrides(service: Service, user_id: str) -> OverrideList:
    """What was granted to a person beside the plan, at most the latest 200."""
    person = services.directory.one(row_id(user_id)).entry
    return OverrideList(overrides=[_told(each) for each in services.overrides.of(person.id)])


@routes(
    "POST",
    "/users/<user_id>/overrides",
    Access.SERVICE,
    scopes=SCOPES,
    body=NewOverride,
    answer=OverrideOfAccount,
    status=201,
    refusals=(404,),
)
def add_override(service: Service, user_id: str, body: NewOverride) -> OverrideOfAccount:
    """Grant a person another plan, another monthly limit or both. Of several in force the one made last counts."""
    person = within_reach(service, user_id)
    made = services.overrides.add(
        person.id,
        plan=body.plan,
        monthly_limit=body.monthly_limit,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
        caller=service.caller,
    )
    return _told(made)


@routes(
    "DELETE",
    "/users/<user_id>/overrides/<override_id>",
    Access.SERVICE,
    scopes=SCOPES,
    answer=Done,
    refusals=(404,),
)
def end_override(service: Service, user_id: str, override_id: str) -> Done:
    """End what was granted, now. It stays on record."""
    person = within_reach(service, user_id)
    services.overrides.end(person.id, row_id(override_id), service.caller)
    return Done(message="Override ended")


def _shown(user_id: str, state: QuotaState) -> QuotaOfAccount:
    members = {name: getattr(state, name) for name in QuotaOfAccount.model_fields if name != "user_id"}
    return QuotaOfAccount(user_id=user_id, **members)


def _told(override: Override) -> OverrideOfAccount:
    return OverrideOfAccount(**asdict(override), in_force=override.is_in_force(services.clock()))

"""What ``users`` says of plans: who is on which, what was granted beside it, and what is left of the month."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from app.cli.outcome import OPERATOR, operation, said, show_one, warn
from app.cli.plans.options import UNLIMITED, Limit, Moment
from app.services.plans.effective import ACTIVE, STATUSES, Override
from app.wiring import services


@click.command("set-plan")
@click.argument("who")
@click.argument("plan")
@click.option("--status", type=click.Choice(STATUSES), default=ACTIVE, show_default=True, help="How the plan stands.")
@click.option("--ends", type=Moment(), help="When it ends, UTC; a cancelled plan has to.")
@operation
def set_plan(who: str, plan: str, status: str, ends: datetime | None, as_json: bool) -> None:
    """Put an account on a plan. What was used of the month is kept."""
    account = services.accounts.find(who)
    if services.administration.set_plan(account.id, plan, OPERATOR, status=status, ends_at=ends):
        warn("The plan does not follow the account's subscription any more, unless that gives more.")
    facts = {"email": account.email, "plan": plan, "status": status, "ends": ends}
    said(f"{account.email} is on the plan {plan}.", facts, is_json=as_json)


@click.command("set-override")
@click.argument("who")
@click.option("--plan", help="The plan that counts instead.")
@click.option("--limit", type=Limit(), help="How much there is in a month instead.")
@click.option("--starts", type=Moment(), help="From when on, UTC; now when left out.")
@click.option("--ends", type=Moment(), help="Until when, UTC; until it is ended when left out.")
@click.option("--reason", required=True, help="Why.")
@operation
def set_override(
    who: str,
    plan: str | None,
    limit: int | None,
    starts: datetime | None,
    ends: datetime | None,
    reason: str,
    as_json: bool,
) -> None:
    """Grant one account another plan or limit, whatever its own plan says; of several the last one counts."""
    if limit is not None and limit < 0:
        raise click.UsageError("To grant as much as one likes, name a plan without a limit.")
    account = services.accounts.find(who)
    made = services.overrides.add(
        account.id, plan=plan, monthly_limit=limit, starts_at=starts, ends_at=ends, reason=reason, caller=OPERATOR
    )
    said(
        f"Granted {account.email} {_words(made)} ({made.id}).",
        {"email": account.email, **_facts(made)},
        is_json=as_json,
    )


@click.command("end-override")
@click.argument("who")
@click.option("--id", "override_id", help="Which one; all that are not over when left out.")
@operation
def end_override(who: str, override_id: str | None, as_json: bool) -> None:
    """End what was granted to an account beside its plan, at once."""
    account = services.accounts.find(who)
    ended = services.overrides.end(account.id, override_id, OPERATOR)
    facts = {"email": account.email, "ended": [each.id for each in ended]}
    said(f"Ended {len(ended)} of {account.email}.", facts, is_json=as_json)


@click.command("quota")
@click.argument("who")
@operation
def quota(who: str, as_json: bool) -> None:
    """Show what an account may take this month, what is left of it, and what was granted beside its plan."""
    account = services.accounts.find(who)
    show_one(_quota(account.email, account.id, is_json=as_json), is_json=as_json)


@click.command("reset-quota")
@click.argument("who")
@operation
def reset_quota(who: str, as_json: bool) -> None:
    """Set the use of the month under way back to 0; its end stays."""
    account = services.accounts.find(who)
    services.quotas.reset(account.id, OPERATOR)
    facts = _quota(account.email, account.id, is_json=True)
    said(f"{account.email} has used 0 this month.", facts, is_json=as_json)


def _quota(email: str, user_id: str, *, is_json: bool) -> dict[str, Any]:
    account, state = services.accounts.find(user_id), services.quotas.read(user_id)
    found: dict[str, Any] = {
        "email": email,
        "plan": account.plan,
        "effective_plan": state.plan,
        "limit": state.limit,
        "used": state.used,
        "remaining": state.remaining,
        "began": state.began_at,
        "resets": state.resets_at,
    }
    if is_json:
        now = services.clock()
        granted = [{**_facts(each), "in_force": each.is_in_force(now)} for each in services.overrides.of(user_id)]
        return {**found, "overrides": granted}
    found |= {name: UNLIMITED for name in ("limit", "remaining") if found[name] is None}
    counting = services.overrides.in_force(user_id)
    return {**found, "granted": [f"{_words(each)} ({each.reason})" for each in counting] or None}


def _facts(override: Override) -> dict[str, Any]:
    return asdict(override)


def _words(override: Override) -> str:
    plan = [f"the plan {override.plan}"] if override.plan else []
    limit = [f"{override.monthly_limit} a month"] if override.monthly_limit is not None else []
    until = f" until {override.ends_at:%Y-%m-%d %H:%M} UTC" if override.ends_at else ""
    return " and ".join([*plan, *limit]) + until


OF_USERS = (set_plan, set_override, end_override, quota, reset_quota)
"""Of ``users``."""

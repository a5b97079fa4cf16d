"""``plans``: what there is, and how much each gives in a month."""

from dataclasses import asdict

import click

from app.cli.outcome import OPERATOR, as_json, operation, over_everything, said, show
from app.cli.plans.options import UNLIMITED, Limit
from app.wiring import services


@click.group()
def plans() -> None:
    """Plans and their monthly limits."""


@plans.command("list")
@as_json
@over_everything
def list_plans(as_json: bool) -> None:
    """List the plans, from the least to the most."""
    rows = [asdict(each) for each in services.plans.all()]
    if not as_json:
        rows = [
            {**row, "monthly_limit": UNLIMITED if row["monthly_limit"] is None else row["monthly_limit"]}
            for row in rows
        ]
    show(rows, is_json=as_json)


@plans.command("set-limit")
@click.argument("plan")
@click.argument("limit", type=Limit())
@operation
def set_limit(plan: str, limit: int, as_json: bool) -> None:
    """Change how much a plan gives in a month, or make it unlimited; what people used is kept."""
    changed = services.plans.set_limit(plan, None if limit < 0 else limit, OPERATOR)
    given = UNLIMITED if changed.monthly_limit is None else changed.monthly_limit
    said(f"{changed.title} gives {given} a month.", asdict(changed), is_json=as_json)

"""What pays for plans: the notices of Lemon Squeezy, and where people go to buy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.settings import values
from app.settings.groups import sentence, setting

PLANS = ("free", "pro", "studio", "enterprise")
LEAST_SECRET = 16
PERSON = "{user_id}"


def variants_of_plans(value: str) -> tuple[tuple[str, str], ...]:
    """``plan:variant`` pairs; a plan may be sold as several variants."""
    pairs = [(plan, variant) for plan, _, variant in (word.partition(":") for word in values.words(value))]
    if not all(plan in PLANS and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", variant, re.ASCII) for plan, variant in pairs):
        raise ValueError(f"must look like pro:12345,studio:67890, with plans among {', '.join(PLANS)}")
    variants = [variant for _, variant in pairs]
    if len(set(variants)) != len(variants):
        raise ValueError("must say of each variant once which plan it is")
    return tuple(pairs)


def address(value: str) -> str:
    """An https address, or an http one of this machine; ``{user_id}`` in it stands for the person."""
    text = value.strip()
    bare = text.replace(PERSON, "x")
    if text and not re.fullmatch(
        r"(https://[a-zA-Z0-9.-]+|http://(localhost|127\.0\.0\.1))(:[0-9]+)?(/[!-z|~]*)?", bare
    ):
        raise ValueError(f"must be an address such as https://shop.example.com/buy?checkout[custom][user_id]={PERSON}")
    return text


@dataclass(frozen=True)
class BillingSettings:
    """Subscriptions that pay for plans."""

    webhook_secret: str = setting(
        "BILLING_WEBHOOK_SECRET",
        "",
        sentence(
            "Signing secret of the webhook at Lemon Squeezy that tells /api/v1/billing/webhook of subscriptions, 16 "
            "characters or more (it takes 40); empty: there is no such address"
        ),
        values.text,
        True,
    )
    variants_of_plans: tuple[tuple[str, str], ...] = setting(
        "BILLING_PLANS",
        "",
        sentence("Which variants there are which plans, such as pro:12345,studio:67890; a plan may have several"),
        variants_of_plans,
    )
    upgrade_url: str = setting(
        "BILLING_UPGRADE_URL",
        "",
        sentence(
            "Where people buy a larger plan: an https address, {user_id} in it is the person's id, which the checkout "
            "hands on (checkout[custom][user_id]={user_id}); stands on the page of one's plan; empty: nowhere"
        ),
        address,
    )

    grace_days: int = setting(
        "BILLING_GRACE_DAYS",
        "3",
        sentence(
            "How long the plan of a subscription still counts after the day on which it should have renewed, if no "
            "notice says that it did, days"
        ),
        values.number(1, 60),
    )

    def upgrade_address(self, user_id: str) -> str:
        """Where that person buys a larger plan; empty for nowhere."""
        return self.upgrade_url.replace(PERSON, user_id)

    def problems(self) -> Iterator[str]:
        """What makes these unusable."""
        if self.webhook_secret and len(self.webhook_secret) < LEAST_SECRET:
            yield f"BILLING_WEBHOOK_SECRET must have {LEAST_SECRET} or more characters"
        if self.webhook_secret and not self.variants_of_plans:
            yield "BILLING_WEBHOOK_SECRET needs BILLING_PLANS, which says what is sold"

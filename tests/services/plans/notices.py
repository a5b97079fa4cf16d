"""Notices of Lemon Squeezy, as its documents show them."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

SECRET = "a signing secret of 32 characters"
PRO, PRO_YEARLY, STUDIO = "11001", "11002", "22001"
PLANS = f"pro:{PRO},pro:{PRO_YEARLY},studio:{STUDIO}"


def moment(value: datetime | None) -> str | None:
    """A time as it is written there: ``2023-01-17T12:43:50.000000Z``."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def notice(
    user_id: str | None,
    changed_at: datetime,
    *,
    name: str = "subscription_updated",
    subscription: str = "1",
    customer: int = 7,
    variant: str = PRO,
    status: str = "active",
    ends_at: datetime | None = None,
    renews_at: datetime | None = None,
    began_at: datetime | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A notice about a subscription of one person, or of nobody in particular."""
    custom: Any = {"user_id": user_id} if user_id is not None else []
    return {
        "meta": {"test_mode": False, "event_name": name, "webhook_id": "1f3a", "custom_data": custom},
        "data": {
            "type": "subscriptions",
            "id": subscription,
            "attributes": {
                "store_id": 1,
                "customer_id": customer,
                "order_id": 1,
                "order_item_id": 1,
                "product_id": 1,
                "variant_id": int(variant),
                "product_name": "Max",
                "variant_name": "Default",
                "user_name": "Ada Lovelace",
                "user_email": "ada@example.com",
                "status": status,
                "status_formatted": status.capitalize(),
                "card_brand": "visa",
                "card_last_four": "4242",
                "pause": None,
                "cancelled": status == "cancelled",
                "trial_ends_at": None,
                "billing_anchor": 12,
                "urls": {"update_payment_method": "https://store.lemonsqueezy.com/subscription/1/payment-details?x=1"},
                "renews_at": moment(renews_at),
                "ends_at": moment(ends_at),
                "created_at": moment(began_at or changed_at),
                "updated_at": moment(changed_at),
                "test_mode": False,
                **more,
            },
            "relationships": {"store": {"links": {"self": "https://api.lemonsqueezy.com/v1/subscriptions/1/store"}}},
        },
    }


def body_of(payload: Any) -> bytes:
    """The payload as it is sent."""
    return json.dumps(payload).encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    """What stands in X-Signature."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

"""What headers say of a quota, by draft-ietf-httpapi-ratelimit-headers; of one without a limit, nothing."""

import math
from datetime import datetime

from app.services.plans.quotas import QuotaState

POLICY = "monthly"


def seconds_left(state: QuotaState, now: datetime) -> int:
    """Whole seconds until the next month, at least one."""
    return max(math.ceil((state.resets_at - now).total_seconds()), 1)


def headers(state: QuotaState, now: datetime) -> dict[str, str]:
    """``RateLimit-Policy`` and ``RateLimit``: units a month and its seconds, units left and seconds to the next one."""
    if state.limit is None:
        return {}
    window = int((state.resets_at - state.began_at).total_seconds())
    return {
        "RateLimit-Policy": f'"{POLICY}";q={state.limit};w={window}',
        "RateLimit": f'"{POLICY}";r={state.remaining};t={seconds_left(state, now)}',
    }

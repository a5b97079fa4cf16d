"""What is asked and answered about quotas, as pydantic models (:mod:`app.api.models`)."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.api.models import Answer, Body, Query
from app.api.plans.keys import Key
from app.api.service.asked import PersonId
from app.services.plans.quotas import MOST_AT_ONCE

Named = Annotated[PersonId | None, Field(description="Whose quota; only with a service token, which has to say it.")]
Amount = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]


class Whose(Query):
    """Whose quota."""

    user_id: Named = None


class Consumption(Body):
    """How much is taken."""

    amount: Amount
    user_id: Named = None


class GivenBack(Body):
    """What is given back: all that was taken under the key, or an amount of it. The key is here or in the header."""

    key: Key | None = None
    amount: Amount | None = None
    user_id: Named = None


class QuotaNow(Answer):
    """A person's plan, and the month under way. `limit` and `remaining` are null where there is no limit."""

    plan: Annotated[str, Field(description="The plan that counts now, overrides included.")]
    limit: int | None
    used: int
    remaining: int | None
    resets_at: Annotated[datetime, Field(description="When the next month begins; UTC.")]


class QuotaReleased(QuotaNow):
    """The quota with what was given back; `released` is 0 if it was before, or was taken in a month that is over."""

    released: int


class QuotaRefusal(Answer):
    """There is not so much left; nothing was taken."""

    error: Annotated[str, Field(json_schema_extra={"const": "quota_exceeded"})] = "quota_exceeded"
    error_description: Annotated[str, Field(description="An English sentence for developers.")]
    plan: str
    limit: int
    used: int
    remaining: int
    resets_at: datetime

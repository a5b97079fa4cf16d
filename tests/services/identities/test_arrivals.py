"""What an answer of a provider leads to, as a table."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.services.foundation.person import Person
from app.services.identities.answers import Answer
from app.services.identities.arrivals import Step, next_step
from app.services.identities.identities import LinkedIdentity
from app.services.identities.profiles import ProviderProfile
from app.services.identities.requests import Way

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EMAIL = "ada@example.com"
NOBODY_KNOWN = Answer("id", ProviderProfile("google", "1"), {}, Way())
PROVEN = replace(NOBODY_KNOWN, email=EMAIL)
IDENTITY = LinkedIdentity(
    id="i",
    user_id="u",
    provider="google",
    email=EMAIL,
    email_verified=True,
    name="Ada",
    created_at=NOW,
    last_used_at=NOW,
)
ADA = Person("u", EMAIL, True, "Ada", "hash", "en", "UTC", True, None)


@pytest.mark.parametrize(
    ("answer", "identity", "owner", "holder", "can_mail", "step"),
    [
        (PROVEN, IDENTITY, ADA, ADA, True, Step.LOG_IN),
        # The identity decides, whoever has the address.
        (PROVEN, IDENTITY, ADA, replace(ADA, id="other"), True, Step.LOG_IN),
        (NOBODY_KNOWN, IDENTITY, ADA, None, True, Step.LOG_IN),
        (PROVEN, IDENTITY, replace(ADA, is_active=False), ADA, True, Step.DISABLED),
        (PROVEN, IDENTITY, None, None, True, Step.DISABLED),
        (NOBODY_KNOWN, None, None, None, True, Step.EMAIL),
        (NOBODY_KNOWN, None, None, ADA, True, Step.EMAIL),
        (NOBODY_KNOWN, None, None, None, False, Step.JOIN),
        (PROVEN, None, None, ADA, True, Step.PROVE),
        (PROVEN, None, None, ADA, False, Step.PROVE),
        # Who was disabled comes back by no other door, and learns it at the proof.
        (PROVEN, None, None, replace(ADA, is_active=False), True, Step.PROVE),
        (PROVEN, None, None, replace(ADA, email_verified=False), True, Step.JOIN),
        (PROVEN, None, None, None, True, Step.JOIN),
    ],
)
def test_the_step(
    answer: Answer,
    identity: LinkedIdentity | None,
    owner: Person | None,
    holder: Person | None,
    can_mail: bool,
    step: Step,
) -> None:
    assert next_step(answer, identity, owner, holder, can_mail=can_mail).step is step

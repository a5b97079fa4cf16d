"""The dispatcher: what an authorization request needs next, as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.services.clients.clients import ClientRecord
from app.services.grants.consents import GivenConsent
from app.services.grants.interactions import AuthorizationRequest, Progress, Refusal, Step, next_step
from app.services.sessions.policy import ActiveSession
from app.services.tokens.claims import Subject

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SUBJECT = Subject(
    id="u1",
    email="ada@example.com",
    email_verified=True,
    username="ada",
    full_name="Ada",
    avatar_url=None,
    locale="ko",
    timezone="Asia/Seoul",
    plan="free",
    is_superuser=False,
    is_active=True,
    updated_at=0,
    group_id=None,
    group_name=None,
    role_id=None,
    role_name="member",
    permissions=("manage:models",),
)
SESSION = ActiveSession("s1", SUBJECT, NOW - timedelta(minutes=10), NOW, False, NOW + timedelta(hours=1))
CLIENT = ClientRecord(
    client_id="c",
    name="C",
    description="",
    logo_uri=None,
    home_uri=None,
    is_active=True,
    is_confidential=False,
    auth_method="none",
    redirect_uris=("https://c.example.com/cb",),
    post_logout_redirect_uris=(),
    backchannel_logout_uri=None,
    allowed_scopes=("openid", "email", "manage:teams", "manage:models"),
    grant_types=("authorization_code",),
    consent_policy="once",
    require_pkce=True,
    id_token_signed_response_alg="RS256",
    lean_id_token=False,
    access_token_seconds=None,
    refresh_token_seconds=None,
    can_introspect_any=False,
    is_listed=False,
    created_at=NOW,
    updated_at=NOW,
)
REQUEST = AuthorizationRequest("c", "https://c.example.com/cb", True, "query", ("openid", "email"))
ALLOWED = GivenConsent(frozenset({"openid", "email"}))
HERE = "s1"
OWN_LOGIN = {"authenticated_session_id": HERE, "is_login_latest": True}


@pytest.mark.parametrize(
    ("request_change", "policy", "progress", "has_session", "consent", "expected"),
    [
        ({}, "once", {}, False, None, Step.LOGIN),
        ({}, "once", {}, True, None, Step.CONSENT),
        ({}, "once", {}, True, ALLOWED, Step.ISSUE),
        ({}, "once", {}, True, GivenConsent(frozenset({"openid"})), Step.CONSENT),
        ({}, "once", {"consented_session_id": HERE}, True, None, Step.CONSENT),
        ({}, "once", {"consented_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({}, "once", {"consented_session_id": HERE}, True, GivenConsent(frozenset({"openid"})), Step.CONSENT),
        ({"prompts": ("consent",)}, "implicit", {"consented_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({"prompts": ("consent",)}, "implicit", {"consented_session_id": HERE}, True, None, Step.CONSENT),
        ({}, "once", {"consented_session_id": "other"}, True, None, Step.CONSENT),
        ({}, "always", {}, True, ALLOWED, Step.CONSENT),
        ({}, "always", {"consented_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({}, "implicit", {}, True, None, Step.ISSUE),
        ({"prompts": ("consent",)}, "implicit", {}, True, None, Step.CONSENT),
        ({"redirect_uri": "http://127.0.0.1:5/cb"}, "once", {}, True, ALLOWED, Step.CONSENT),
        ({"redirect_uri": "com.example.app:/cb"}, "once", {}, True, ALLOWED, Step.CONSENT),
        ({"redirect_uri": "http://127.0.0.1:5/cb"}, "implicit", {}, True, None, Step.ISSUE),
        ({"prompts": ("login",)}, "once", {}, True, ALLOWED, Step.LOGIN),
        ({"prompts": ("login",)}, "once", {"authenticated_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({"prompts": ("login",)}, "once", {"authenticated_session_id": "other"}, True, ALLOWED, Step.LOGIN),
        ({"prompts": ("select_account",)}, "once", {}, True, ALLOWED, Step.SELECT_ACCOUNT),
        ({"prompts": ("select_account",)}, "once", {"selected_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({"prompts": ("select_account",)}, "once", {"authenticated_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({"max_age": 599}, "once", {}, True, ALLOWED, Step.LOGIN),
        ({"max_age": 601}, "once", {}, True, ALLOWED, Step.ISSUE),
        ({"max_age": 60}, "once", {"authenticated_session_id": HERE}, True, ALLOWED, Step.LOGIN),
        ({"max_age": 60}, "once", OWN_LOGIN, True, ALLOWED, Step.LOGIN),
        ({"max_age": 601}, "once", {"authenticated_session_id": HERE}, True, ALLOWED, Step.ISSUE),
        ({"max_age": 60, "prompts": ("login",)}, "once", OWN_LOGIN, True, ALLOWED, Step.LOGIN),
        ({"hinted_user_id": "u1"}, "once", {}, True, ALLOWED, Step.ISSUE),
        ({"hinted_user_id": "u2"}, "once", {"authenticated_session_id": HERE}, True, ALLOWED, Step.LOGIN),
        ({}, "once", {"denied_session_id": HERE}, True, ALLOWED, "access_denied"),
        ({}, "once", {"denied_session_id": "other"}, True, ALLOWED, Step.ISSUE),
        ({"scopes": ("manage:teams",)}, "implicit", {}, True, None, "invalid_scope"),
        ({"scopes": ("manage:models",)}, "implicit", {}, True, None, Step.ISSUE),
        ({"prompts": ("none",)}, "once", {}, False, None, "login_required"),
        ({"prompts": ("none",)}, "once", {}, True, None, "consent_required"),
        ({"prompts": ("none",)}, "once", {}, True, ALLOWED, Step.ISSUE),
        ({"prompts": ("none",), "max_age": 1}, "once", {}, True, ALLOWED, "login_required"),
        ({"prompts": ("none",), "hinted_user_id": "u2"}, "once", {}, True, ALLOWED, "login_required"),
    ],
)
def test_the_next_step(
    request_change: dict[str, object],
    policy: str,
    progress: dict[str, Any],
    has_session: bool,
    consent: GivenConsent | None,
    expected: Step | str,
) -> None:
    step = next_step(
        replace(REQUEST, **request_change),
        replace(CLIENT, consent_policy=policy),
        Progress(**progress),
        SESSION if has_session else None,
        consent,
        NOW,
    )
    assert (step.error if isinstance(step, Refusal) else step) == expected


def test_a_stored_request_comes_back_the_same() -> None:
    request = replace(REQUEST, prompts=("login",), ui_locales=("ko",), claims={"id_token": {"email": None}})
    assert AuthorizationRequest.from_dict({**request.as_dict(), "added_later": 1}) == request


@pytest.mark.parametrize("max_age", [0, 1, 30, 60, 3600])
@pytest.mark.parametrize("seconds", [0, 1, 29, 59, 61, 1800])
@pytest.mark.parametrize("is_latest", [True, False])
def test_a_login_for_this_request_counts_a_minute_while_nothing_came_after_it(
    max_age: int, seconds: int, is_latest: bool
) -> None:
    session = replace(SESSION, authenticated_at=NOW - timedelta(seconds=seconds))
    progress = Progress(authenticated_session_id=HERE, is_login_latest=is_latest)
    step = next_step(replace(REQUEST, max_age=max_age), CLIENT, progress, session, ALLOWED, NOW)
    assert step is (Step.ISSUE if seconds < max(max_age, 60 if is_latest else 0) else Step.LOGIN)

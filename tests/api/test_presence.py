"""What is sensitive wants a proof: the password, or of an account that has none a login of a moment ago."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.models import Identity
from tests.api.linking import (
    app,
    in_browser,
    kim,
    linked,
    providers,
    renew,
    requests_begun,
    rows,
    shared_providers,
    traveller,
)
from tests.api.people import NEW_PASSWORD, FrontEnd, fields, refusal
from tests.clock import Clock
from tests.mailbox import received
from tests.providers import Providers
from tests.relying_party import PASSWORD, add_person
from tests.social.travelling import Traveller

__all__ = ["app", "kim", "providers", "shared_providers", "traveller"]


def change(end: FrontEnd, kind: str, **proof: Any) -> Any:
    """Something that wants a proof."""
    match kind:
        case "link":
            return end.post("/link/kakao", proof)
        case "unlink":
            return end.send("DELETE", "/unlink/google", proof)
        case "password":
            return end.post("/change-password", {"new_password": NEW_PASSWORD, **proof})
        case _:
            return end.post("/change-email", {"email": "new@example.com", **proof})


KINDS = ("link", "unlink", "password", "email")


@pytest.mark.parametrize("kind", ["password", "email"])
def test_a_new_password_or_address_wants_the_password_however_new_the_login_is(
    app: Flask, traveller: Traveller, front: FrontEnd, kind: str
) -> None:
    linked(traveller, front)
    assert fields(change(front, kind)) == {"current_password": "This is required."}


@pytest.mark.parametrize("kind", ["link", "unlink"])
def test_links_want_a_login_of_a_moment_ago_or_the_password(
    app: Flask, traveller: Traveller, front: FrontEnd, clock: Clock, kind: str
) -> None:
    linked(traveller, front)
    clock.advance(seconds=601)
    refusal(change(front, kind), 403, "reauthentication_required")
    assert change(front, kind, current_password=PASSWORD).status_code == 200


@pytest.mark.parametrize("kind", ["link", "unlink"])
def test_a_login_of_a_moment_ago_is_enough_for_a_link(
    app: Flask, traveller: Traveller, front: FrontEnd, kind: str
) -> None:
    linked(traveller, front)
    assert change(front, kind).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_wrong_however_new_the_login_is(
    app: Flask, traveller: Traveller, front: FrontEnd, kind: str
) -> None:
    linked(traveller, front)
    received(app)
    for wrong in (None, 1, "a wrong guess 41"):
        assert set(fields(change(front, kind, current_password=wrong))) == {"current_password"}
    assert received(app) == []
    assert [each.provider for each in rows(app, Identity)] == ["google"]


@pytest.mark.parametrize("kind", ["link", "unlink", "email"])
def test_the_password_is_guessed_at_no_faster_than_at_a_login(
    make_app: Callable[..., Flask], providers: Providers, kind: str
) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", **providers.environment)
    add_person(app)
    front = FrontEnd(app)
    front.log_in()
    codes = [change(front, kind, current_password="a wrong guess 41").status_code for _ in range(6)]
    assert codes == [400] * 5 + [429]


@pytest.mark.parametrize("kind", KINDS)
def test_an_account_without_one_proves_it_by_a_login_of_a_moment_ago(
    kim: FrontEnd, app: Flask, clock: Clock, kind: str
) -> None:
    clock.advance(seconds=600)
    assert change(kim, kind).status_code == (409 if kind == "unlink" else 200)


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_while_it_has_to_log_in_again(
    app: Flask, providers: Providers, kim: FrontEnd, clock: Clock, kind: str
) -> None:
    clock.advance(seconds=601)
    renew(kim)
    answer = refusal(change(kim, kind), 403, "reauthentication_required")
    assert answer["error_description"] == "Log in again in this session, and repeat the request within a few minutes."
    assert received(app) == []
    assert requests_begun(app) == 1  # that of the login
    # The very session of the token counts, and no other one of the person.
    Traveller(app, providers).log_in("google")
    refusal(change(kim, kind), 403, "reauthentication_required")
    in_browser(app, providers, kim).log_in("google")
    assert change(kim, kind).status_code == (409 if kind == "unlink" else 200)


@pytest.mark.parametrize("kind", KINDS)
def test_a_password_that_does_not_exist_is_wrong(kim: FrontEnd, kind: str) -> None:
    assert set(fields(change(kim, kind, current_password=PASSWORD))) == {"current_password"}


def test_a_first_password_opens_the_account_and_ends_other_sessions(
    app: Flask, providers: Providers, kim: FrontEnd
) -> None:
    other = Traveller(app, providers)
    other.log_in("google")
    assert set(fields(kim.post("/change-password", {"new_password": "password1"}))) == {"new_password"}
    assert kim.post("/change-password", {"new_password": NEW_PASSWORD}).json["status"] == "success"
    assert other.account is None
    assert kim.is_logged_in()
    assert FrontEnd(app).log_in("kim.minsu@example.com", NEW_PASSWORD).status_code == 200
    assert [mail.template for mail in received(app) if mail.template == "password_changed"] == ["password_changed"]
    # From now on it is asked for.
    assert fields(kim.post("/change-password", {"new_password": PASSWORD})) == {"current_password": "This is required."}

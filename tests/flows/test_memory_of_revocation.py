"""What was ended stays ended in every worker from the next request on, whatever a worker has seen before (SPEC 3)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from app.services.foundation.environment import NOBODY
from tests.flows.live_client import SCOPE, LiveClient, Workers, by_services, parameters
from tests.portal import Portal
from tests.relying_party import PASSWORD, REDIRECT_URI, refusal

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)

GOODBYE = "https://client.example.com/goodbye"
NEW_PASSWORD = "another horse battery 10"


@dataclass
class Grant:
    """What a client holds for a person: a session, an unused code, and tokens; nothing has been ended yet."""

    app: LiveClient
    email: str
    code: str
    access: str
    refresh: str
    id_token: str


@dataclass
class Scene:
    """A portal with a grant for each cause and one that stays; ``done`` are the causes that came about."""

    portal: Portal
    workers: Workers
    resource: LiveClient
    grants: dict[str, Grant]
    done: set[str] = field(default_factory=set)


@dataclass
class Ended:
    """A grant after its cause."""

    cause: str
    grant: Grant
    scene: Scene


@pytest.fixture(scope="module")
def workers(live_portal: Portal) -> Iterator[Workers]:
    """A way to each worker."""
    opened = Workers(live_portal)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def scene(live_portal: Portal, workers: Workers) -> Scene:
    """For each cause a person and a third-party application that is allowed; one pair more; a resource server."""
    secret = by_services(live_portal, populate)
    resource = LiveClient(live_portal, "resource", secret)
    grants = {cause: new_grant(live_portal, workers, resource, cause) for cause in (*ACTS, "nothing")}
    return Scene(live_portal, workers, resource, grants)


@pytest.fixture(params=["disabled user", "disabled client", "withdrawn consent", "ended session", "changed password"])
def ended(request: pytest.FixtureRequest, scene: Scene) -> Ended:
    """A grant that every worker has seen at work, and that was ended by one cause."""
    cause = request.param
    if cause not in scene.done:
        ACTS[cause](scene.portal, scene.grants[cause])
        scene.done.add(cause)
    return Ended(cause, scene.grants[cause], scene)


def name_of(cause: str) -> str:
    """A client id, and the first part of an e-mail."""
    return cause.replace(" ", "-")


def populate(services: Any) -> str | None:
    """Make the people and clients; answers the secret of the resource server."""
    for name in map(name_of, (*ACTS, "nothing")):
        user_id = services.accounts.create(f"{name}@example.com", PASSWORD)
        services.clients.create(name, redirects=[REDIRECT_URI], post_logout=[GOODBYE], scopes=SCOPE.split())
        services.consents.grant(user_id, services.clients.get(name), SCOPE.split(), NOBODY)
    secret: str | None = services.clients.create(
        "resource", grants=["client_credentials"], is_confidential=True, can_introspect_any=True
    )
    return secret


def new_grant(portal: Portal, workers: Workers, resource: LiveClient, cause: str) -> Grant:
    """A login of a person to an application; each worker has served every use of it once."""
    app, email = LiveClient(portal, name_of(cause)), f"{name_of(cause)}@example.com"
    assert app.log_in(email, PASSWORD).status_code == 303
    first, *_ = workers.each(app.tokens)
    tokens, repeated = (answer.json() for answer in workers.each(lambda: app.refresh(first["refresh_token"])))
    assert tokens["refresh_token"] == repeated["refresh_token"]
    assert workers.each(lambda: app.userinfo(tokens["access_token"]).status_code) == [200, 200]
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert workers.each(lambda sent=token: resource.introspect(sent).json()["active"]) == [True, True]  # type: ignore[misc]
    return Grant(app, email, app.code(), tokens["access_token"], tokens["refresh_token"], tokens["id_token"])


def withdraw(services: Any, grant: Grant) -> None:
    """The person takes it back."""
    assert services.consents.withdraw(services.accounts.find(grant.email).id, grant.app.client_id, NOBODY)


def log_out(grant: Grant) -> None:
    """RP-initiated logout: the session named by the hint ends without a question."""
    query = {"id_token_hint": grant.id_token, "post_logout_redirect_uri": GOODBYE, "state": "bye"}
    kept = dict(grant.app.cookies)
    answer = grant.app.browse("GET", "/api/oauth/logout", params=query)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{GOODBYE}?state=bye")
    # Somebody may have copied the cookie that the browser was told to forget.
    grant.app.cookies = kept


ACTS: dict[str, Callable[[Portal, Grant], object]] = {
    "disabled user": lambda portal, grant: portal.flask("users", "disable", grant.email),
    "disabled client": lambda portal, grant: portal.flask("clients", "disable", grant.app.client_id),
    "withdrawn consent": lambda portal, grant: by_services(portal, lambda services: withdraw(services, grant)),
    "ended session": lambda _, grant: log_out(grant),
    "changed password": lambda portal, grant: portal.flask(
        "users", "set-password", grant.email, "--password", NEW_PASSWORD
    ),
}


def refused_grant(answer: requests.Response, ended: Ended, what: str) -> None:
    """``invalid_grant``, or ``invalid_client`` where the client itself is stopped (RFC 6749 section 5.2)."""
    if ended.cause == "disabled client":
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        return
    assert answer.status_code == 400
    assert refusal(answer.json()) == {"error": "invalid_grant", "error_description": f"Invalid or expired {what}"}


def judge_code(ended: Ended) -> None:
    refused_grant(ended.grant.app.redeem(ended.grant.code), ended, "authorization code")


def judge_refresh(ended: Ended) -> None:
    refused_grant(ended.grant.app.refresh(ended.grant.refresh), ended, "refresh token")


def judge_userinfo(ended: Ended) -> None:
    answer = ended.grant.app.userinfo(ended.grant.access)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def judge_introspection_of_access(ended: Ended) -> None:
    answer = ended.scene.resource.introspect(ended.grant.access)
    assert (answer.status_code, answer.json()) == (200, {"active": False})


def judge_introspection_of_refresh(ended: Ended) -> None:
    answer = ended.scene.resource.introspect(ended.grant.refresh)
    assert (answer.status_code, answer.json()) == (200, {"active": False})


def judge_silent_login(ended: Ended) -> None:
    answer = ended.grant.app.authorize()
    if ended.cause == "disabled client":
        # RFC 6749 section 4.1.2.1: there is nobody to send the browser to.
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        return
    error = "consent_required" if ended.cause == "withdrawn consent" else "login_required"
    given = parameters(answer)
    assert (given["error"], given["state"], given["iss"]) == (error, "the-state", ended.scene.resource.portal.url)
    assert "code" not in given


USES = [
    judge_code,
    judge_refresh,
    judge_userinfo,
    judge_introspection_of_access,
    judge_introspection_of_refresh,
    judge_silent_login,
]


@pytest.mark.parametrize("judge", USES, ids=lambda judge: judge.__name__.removeprefix("judge_"))
def test_every_worker_refuses_what_was_ended(live_portal: Portal, ended: Ended, judge: Callable[[Ended], None]) -> None:
    assert len(ended.scene.workers.each(lambda: judge(ended))) == 2


def test_nothing_else_ends(ended: Ended) -> None:
    other = ended.scene.grants["nothing"]
    assert ended.scene.workers.each(lambda: other.app.userinfo(other.access).status_code) == [200, 200]
    assert all(ended.scene.workers.each(lambda: ended.scene.resource.introspect(other.refresh).json()["active"]))
    assert len(set(ended.scene.workers.each(other.app.code))) == 2

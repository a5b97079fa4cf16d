"""Back from a provider: who is it, and what did they go there for?"""

import hmac
from typing import Any

from flask import redirect, request, url_for

from app.errors import AnswerGone, IdentityTaken, InvalidInput
from app.services.identities.identities import LinkedIdentity
from app.services.identities.profiles import ProviderProfile
from app.services.identities.requests import Purpose, Trip, TripProblem, Way
from app.services.record.audit import Event
from app.social.browser import this_browser
from app.social.identifying import ProviderProblem, identify
from app.social.problems import problem
from app.social.providers import Provider, configured
from app.web.providers import remember_provider
from app.web.security import caller, safe_path
from app.web.sessions import begin_session, current_session
from app.web.steps import Answer, kept_request, logged_in
from app.wiring import services

LONGEST_CODE = 4096
SUSPICIOUS = frozenset({"unknown", "another_browser", "mixed_up", "replayed", "untrusted", "not_yours", "taken"})
"""What may be an attack goes on record."""


def callback(provider: str) -> Answer:
    """Somebody comes back with an answer, or with none."""
    state, code = _said("state"), _said("code")
    try:
        trip = services.provider_requests.take(state, this_browser(), provider)
    except TripProblem as failure:
        return refuse(failure.reason, provider, failure.trip)
    if error := request.args.get("error"):
        return refuse("cancelled" if error == "access_denied" else "refused", provider, trip)
    if not code.isprintable() or not 0 < len(code) <= LONGEST_CODE:
        return refuse("refused", provider, trip)
    asked = configured(provider)
    if not _answers_for(asked, _said("iss") if "iss" in request.args else None):
        return refuse("mixed_up", provider, trip)
    try:
        profile, tokens = identify(asked, trip, code, state)
    except ProviderProblem as failure:
        return refuse(failure.reason, provider, trip)
    return _ARRIVALS[trip.purpose](trip, profile, tokens)


def enter(identity: LinkedIdentity, profile: ProviderProfile, tokens: dict[str, Any], way: Way) -> Answer:
    """Log the person in whose identity it is, and go on with what they wanted."""
    account = services.accounts.at(identity.user_id)
    if account is None or not account.is_active:
        services.audit.record_refusal(
            Event.LOGIN_FAILED, caller(), error="disabled", user_id=identity.user_id, provider=profile.provider
        )
        return problem("disabled", profile.provider, Trip(profile.provider, Purpose.LOG_IN, "", way))
    try:
        services.identities.come_in(identity, profile, tokens, caller())
    except AnswerGone:
        return problem("gone", profile.provider, Trip(profile.provider, Purpose.LOG_IN, "", way))
    pending = kept_request(way.interaction_id) if way.interaction_id else None
    response = logged_in(
        identity.user_id, pending, remember=way.remember, identity_id=identity.id, next_path=way.next_path
    )
    remember_provider(response, profile.provider)
    return response


def _said(name: str) -> str:
    """A parameter of the answer; one that stands there twice is none (:rfc:`6749#section-3.1`)."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 else ""


def refuse(reason: str, provider: str, trip: Trip | None) -> Answer:
    """The page that says why not, and a record of what may be an attack."""
    if reason in SUSPICIOUS:
        user_id = trip.user_id if trip else None
        services.audit.record_refusal(Event.IDENTITY_REFUSED, caller(), error=reason, user_id=user_id)
    return problem(reason, provider, trip)


def _answers_for(provider: Provider, iss: str | None) -> bool:
    """Whether it was the provider that was asked who answered (:rfc:`9207#section-2.4`)."""
    if not provider.is_openid:
        return True
    if iss is None:
        return not provider.client.server_metadata.get("iss_is_told")
    return hmac.compare_digest(iss.encode("utf-8", "surrogatepass"), provider.issuer.encode())


def _log_in(trip: Trip, profile: ProviderProfile, tokens: dict[str, Any]) -> Answer:
    if identity := services.identities.find(profile):
        return enter(identity, profile, tokens, trip.way)
    answer = services.provider_answers.keep(profile, tokens, trip.way, this_browser())
    return redirect(url_for("social.join", answer=answer.id), 303)


def _link(trip: Trip, profile: ProviderProfile, tokens: dict[str, Any]) -> Answer:
    if not _is_still_here(trip):
        return refuse("session_changed", trip.provider, trip)
    try:
        services.identities.add(str(trip.user_id), profile, tokens, caller())
    except IdentityTaken:
        services.db.rollback()
        return refuse("taken", trip.provider, trip)
    return redirect(safe_path(trip.way.next_path), 303)


def _confirm(trip: Trip, profile: ProviderProfile, tokens: dict[str, Any]) -> Answer:
    session = current_session()
    if session is None or not _is_still_here(trip):
        return refuse("session_changed", trip.provider, trip)
    identity = services.identities.find(profile)
    if identity is None or identity.user_id != trip.user_id:
        return refuse("not_yours", trip.provider, trip)
    try:
        services.identities.confirm(identity, profile, tokens, caller())
    except AnswerGone:
        return refuse("not_yours", trip.provider, trip)
    begin_session(identity.user_id, remember=session.is_remembered, identity_id=identity.id)
    return redirect(safe_path(trip.way.next_path), 303)


def _prove(trip: Trip, profile: ProviderProfile, tokens: dict[str, Any]) -> Answer:
    try:
        answer = services.provider_answers.get(trip.way.answer_id or "", this_browser())
        identity = services.identities.find(profile)
        if identity is None:
            return refuse("not_yours", trip.provider, trip)
        services.arrivals.link_proven(answer, identity.user_id, caller())
    except AnswerGone:
        return refuse("too_late", trip.provider, trip)
    except (IdentityTaken, InvalidInput):
        services.db.rollback()
        return refuse("not_yours", trip.provider, trip)
    return enter(identity, profile, tokens, trip.way)


def _is_still_here(trip: Trip) -> bool:
    """Whether the person who went to the provider is who is logged in here now."""
    session = current_session()
    return session is not None and session.user_id == trip.user_id


_ARRIVALS = {Purpose.LOG_IN: _log_in, Purpose.LINK: _link, Purpose.CONFIRM: _confirm, Purpose.PROVE: _prove}

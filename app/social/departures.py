"""Off to a provider: to log in, to link what it says with an account, or to prove an account."""

from dataclasses import replace

from flask import redirect, request, url_for
from flask_login import current_user, login_fresh, login_required

from app.services.identities.requests import Purpose, Trip, Way, new_state
from app.social.browser import keep_name, named_browser, this_browser
from app.social.identifying import ProviderProblem, asking
from app.social.problems import LINKED_ACCOUNTS, problem
from app.social.providers import configured
from app.social.transport import is_safe
from app.web.forms import Form, OpenForm
from app.web.security import safe_path
from app.web.sessions import current_session
from app.web.steps import Answer, own_next, waiting_request
from app.wiring import services


def start(provider: str) -> Answer:
    """Send somebody who wants to log in to a provider, on behalf of the application that waits."""
    if ticket := request.args.get("link"):
        return _start_link(provider, ticket)
    pending = waiting_request()
    way = Way(pending.id if pending else None, own_next(), remember="remember" in request.args)
    # What an application wants to be proven anew is not proven by a login that the provider remembers.
    is_anew = pending is not None and ("login" in pending.request.prompts or pending.request.max_age is not None)
    return depart(provider, Purpose.LOG_IN, way, is_anew=is_anew)


@login_required
def link(provider: str) -> Answer:
    """Send somebody who is logged in to a provider, to link what comes back with the account."""
    if not Form().validate_on_submit():
        return redirect(LINKED_ACCOUNTS, 303)
    if not login_fresh():
        return redirect(url_for("login.confirm", next=LINKED_ACCOUNTS), 303)
    return depart(provider, Purpose.LINK, Way(next_path=f"{LINKED_ACCOUNTS}?linked={provider}"))


@login_required
def confirm(provider: str) -> Answer:
    """Send somebody who is logged in to a provider, to prove once more to be there."""
    target = safe_path(request.args.get("next"))
    if not Form().validate_on_submit():
        return redirect(url_for("login.confirm", next=target), 303)
    return depart(provider, Purpose.CONFIRM, Way(next_path=target), is_anew=True)


def prove(provider: str) -> Answer:
    """Send somebody to a provider that is linked with the account that is to be proven."""
    answer_id = request.args.get("answer", "")
    if not OpenForm().validate_on_submit():
        return redirect(url_for("social.prove_account", answer=answer_id), 303)
    answer = services.provider_answers.get(answer_id, this_browser())
    way = replace(answer.way, answer_id=answer_id)
    return depart(provider, Purpose.PROVE, way, is_anew=True)


@login_required
def _start_link(provider: str, ticket: str) -> Answer:
    """As :func:`link`, for a person whose front end asked for it by the API."""
    way = services.provider_requests.redeem_ticket(ticket, provider, current_user.id)
    return depart(provider, Purpose.LINK, way)


def depart(name: str, purpose: Purpose, way: Way, *, is_anew: bool = False) -> Answer:
    """To a provider, with a state that only this browser can come back with; ``is_anew`` has it ask for a login."""
    provider, state = configured(name), new_state()
    session = current_session() if purpose in {Purpose.LINK, Purpose.CONFIRM} else None
    trip = Trip(
        name,
        purpose,
        services.settings.issuer + _callback_path(name),
        way,
        session.user_id if session else None,
        session.id if session else None,
        is_anew=is_anew,
    )
    services.db.commit()
    try:
        with asking(provider):
            extra = {**provider.always, **(provider.again if is_anew else {})}
            made = provider.client.create_authorization_url(trip.redirect_uri, state=state, **extra)
    except ProviderProblem as failure:
        return problem(failure.reason, name, trip)
    trip = replace(trip, code_verifier=made["code_verifier"], nonce=made.get("nonce", ""))
    if not is_safe(made["url"]):
        return problem("untrusted", name, trip)
    services.provider_requests.begin(trip, state, named_browser())
    return keep_name(redirect(made["url"], 303 if request.method == "POST" else 302))


def _callback_path(name: str) -> str:
    """Where the provider sends people back: below the prefix at which they began."""
    begun = request.blueprint or ""
    return url_for(f"{begun if begun.startswith('social') else 'social'}.callback", provider=name)

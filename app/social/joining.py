"""The steps of somebody whom a provider has named and who is not linked yet: an address, a proof, a new account."""

from collections.abc import Callable
from functools import wraps

from flask import redirect, request, url_for

from app.errors import AnswerGone, IdentityTaken, InvalidInput, TooManyAttempts, WrongCredentials
from app.languages import current_language
from app.languages import gettext as _t
from app.services.foundation.person import Person
from app.services.grants.authorization import Pending
from app.services.identities.answers import Answer as ProviderAnswer
from app.services.identities.arrivals import Arrival, Step
from app.social.arrivals import enter
from app.social.browser import this_browser
from app.social.forms import AccountForm, AddressForm, CodeForm, NameForm, ProofForm
from app.social.problems import problem
from app.web.devices import device_token
from app.web.forms import Form, OpenForm, put_beside
from app.web.providers import remember_provider
from app.web.security import caller
from app.web.sessions import current_session, is_fresh
from app.web.steps import Answer, kept_request, logged_in, page, refused
from app.wiring import services

StepView = Callable[[ProviderAnswer, Arrival], Answer]


def at(step: Step) -> Callable[[StepView], Callable[[], Answer]]:
    """A view of what a provider answered in this browser, as long as ``step`` is what comes next for it."""

    def wrapped(view: StepView) -> Callable[[], Answer]:
        @wraps(view)
        def guarded() -> Answer:
            try:
                answer = services.provider_answers.get(request.args.get("answer", ""), this_browser())
                arrival = services.arrivals.decide(answer)
                return view(answer, arrival) if arrival.step is step else _elsewhere(answer, arrival)
            except (AnswerGone, IdentityTaken):
                return _gone()

        return guarded

    return wrapped


@at(Step.JOIN)
def join(answer: ProviderAnswer, _: Arrival) -> Answer:
    """Say what a new account will be called and which address it gets, and make it."""
    form = NameForm() if answer.email else AccountForm()
    if not form.is_submitted():
        form.name.data = form.name.data or answer.profile.name
        if "email" in form:
            form.email.data = form.email.data or answer.profile.email
        return _page("social/join.html", form, answer)
    if not form.validate():
        return _page("social/join.html", form, answer), 400
    typed = str(form.data.get("email") or "")
    try:
        services.attempts.count("register", answer.email or typed, caller(), device_token())
        user_id = services.arrivals.join(answer, form.name.data or "", current_language(), caller(), typed_email=typed)
    except InvalidInput as refusal:
        _say(form, refusal)
        return _page("social/join.html", form, answer), 400
    except TooManyAttempts as refusal:
        return refused("social/join.html", form, _pending(answer), refusal, answer=answer)
    return _in(user_id, answer)


@at(Step.EMAIL)
def email(answer: ProviderAnswer, _: Arrival) -> Answer:
    """Ask for an address, and mail a code there."""
    form = AddressForm()
    if not form.is_submitted():
        form.email.data = form.email.data or services.arrivals.waiting_address(answer) or answer.profile.email
        return _page("social/email.html", form, answer)
    if not form.validate():
        return _page("social/email.html", form, answer), 400
    try:
        services.attempts.count("provider_email", form.email.data or "", caller(), device_token())
        services.arrivals.send_code(answer, form.email.data or "", current_language())
    except InvalidInput as refusal:
        put_beside(form, refusal, "email")
        return _page("social/email.html", form, answer), 400
    except TooManyAttempts as refusal:
        return refused("social/email.html", form, _pending(answer), refusal, answer=answer)
    return redirect(url_for("social.code", answer=answer.id), 303)


@at(Step.EMAIL)
def code(answer: ProviderAnswer, _: Arrival) -> Answer:
    """Ask for the code that was mailed."""
    if (address := services.arrivals.waiting_address(answer)) is None:
        return redirect(url_for("social.email", answer=answer.id), 303)
    form = CodeForm()
    if not form.is_submitted():
        return _page("social/code.html", form, answer, address=address)
    if not form.validate():
        return _page("social/code.html", form, answer, address=address), 400
    try:
        services.arrivals.check_code(answer, form.code.data or "")
    except InvalidInput as refusal:
        put_beside(form, refusal, "code")
        return _page("social/code.html", form, answer, address=address), 400
    return redirect(url_for("social.join", answer=answer.id), 303)


@at(Step.PROVE)
def prove_account(answer: ProviderAnswer, arrival: Arrival) -> Answer:
    """Ask who has an account with this address to prove it in the way they log in, and link what is new."""
    if (holder := arrival.holder) is None:
        return _gone()
    form: Form = OpenForm() if _is_here(holder) else ProofForm()
    context = {"answer": answer, "holder": holder, "providers": _providers_of(holder)}
    if not form.is_submitted():
        return page("social/prove.html", form, _pending(answer), **context)
    if not form.validate():
        return page("social/prove.html", form, _pending(answer), **context), 400
    try:
        user_id = holder.id if isinstance(form, OpenForm) else _authenticated(form, holder)
        services.arrivals.link_proven(answer, user_id, caller())
    except (WrongCredentials, TooManyAttempts) as refusal:
        return refused("social/prove.html", form, _pending(answer), refusal, **context)
    except InvalidInput:
        return _gone()
    return _in(user_id, answer)


def _say(form: Form, refusal: InvalidInput) -> None:
    """Beside its field, or above the form where the address is not the person's to type."""
    if refusal.field == "email" and "email" not in form:
        form.form_errors.append(_t(refusal.message))
    else:
        put_beside(form, refusal, "name", full_name="name")


def _elsewhere(answer: ProviderAnswer, arrival: Arrival) -> Answer:
    """To the step that comes first; who has been linked meanwhile is let in."""
    if arrival.identity is not None:
        services.provider_answers.use(answer)
        return enter(arrival.identity, answer.profile, answer.tokens, answer.way)
    steps = {Step.EMAIL: "social.email", Step.PROVE: "social.prove_account", Step.JOIN: "social.join"}
    return redirect(url_for(steps[arrival.step], answer=answer.id), 303)


def _gone() -> Answer:
    """There is nothing to go on with here; perhaps with what this browser wanted."""
    services.db.rollback()
    trip = services.provider_requests.latest(this_browser())
    return problem("gone", trip.provider if trip else "", trip)


def _in(user_id: str, answer: ProviderAnswer) -> Answer:
    identity = services.identities.find(answer.profile)
    response = logged_in(
        user_id,
        _pending(answer),
        remember=answer.way.remember,
        identity_id=identity.id if identity else None,
        next_path=answer.way.next_path,
    )
    remember_provider(response, answer.profile.provider)
    return response


def _authenticated(form: Form, holder: Person) -> str:
    with services.attempts.guess("login", holder.email, caller(), device_token()):
        return services.accounts.authenticate(holder.email, form.data.get("password") or "", caller())


def _is_here(holder: Person) -> bool:
    """Whether the account's person is logged in here and has just proven to be there."""
    session = current_session()
    return session is not None and session.user_id == holder.id and is_fresh()


def _providers_of(holder: Person) -> list[str]:
    """By which providers the account is entered."""
    linked = {each.provider for each in services.identities.of(holder.id)}
    return [name for name in services.settings.providers.names if name in linked]


def _page(template: str, form: Form, answer: ProviderAnswer, **context: object) -> str:
    return page(template, form, _pending(answer), answer=answer, **context)


def _pending(answer: ProviderAnswer) -> Pending | None:
    """The request that waits; pages are written as it wants them."""
    return kept_request(answer.way.interaction_id) if answer.way.interaction_id else None

"""Pages for when somebody does not come in by a provider: what happened, what to do now, and the way back into it."""

from dataclasses import dataclass

from flask import request, url_for

from app.errors import NotFound, sentence
from app.languages import gettext as _
from app.services.identities.requests import Purpose, Trip, Way
from app.web.presentation import in_words
from app.web.providers import provider_title
from app.web.security import safe_path, stand_at
from app.web.steps import Answer, kept_request, own_next, page
from app.wiring import services


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says: ``%(provider)s`` stands for the provider's title.

    ``again`` offers the same provider. Where it ``is_calm`` nothing went wrong, so that going on comes before that, and
    where it ``is_over`` the person is perhaps logged in by now.
    """

    status: int
    title: str
    text: str
    sign: str = "shield-exclamation"
    again: bool = True
    is_calm: bool = False
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A way on from such a page."""

    href: str
    label: str


LINKED_ACCOUNTS = "/account/identities"
PROBLEMS: dict[str, Words] = {
    "cancelled": Words(
        200,
        sentence("Login cancelled"),
        sentence("You did not go on at %(provider)s, so nothing was shared and nothing was changed."),
        sign="x-circle",
        is_calm=True,
    ),
    "slow": Words(
        504,
        sentence("%(provider)s does not answer"),
        sentence("%(provider)s took too long to say who you are. Try again in a moment, or log in another way."),
        sign="clock-history",
    ),
    "down": Words(
        502,
        sentence("%(provider)s does not work at the moment"),
        sentence("%(provider)s could not say who you are. Try again in a moment, or log in another way."),
        sign="exclamation-octagon",
    ),
    "refused": Words(
        400,
        sentence("%(provider)s did not confirm the login"),
        sentence("The login at %(provider)s was not completed, or it is no longer known there. Try it once more."),
        sign="signpost-split",
    ),
    "untrusted": Words(
        400,
        sentence("The answer could not be trusted"),
        sentence("What came back from %(provider)s did not prove who you are. Nobody was logged in: try it once more."),
    ),
    "unknown": Words(
        400,
        sentence("This login is not known here"),
        sentence("The answer does not belong to a login that was begun in this browser. Start again from here."),
    ),
    "another_browser": Words(
        400,
        sentence("This login was begun in another browser"),
        sentence("For your safety it can be finished only where it was begun. To go on here, log in once more."),
    ),
    "mixed_up": Words(
        400,
        sentence("The answer came from somewhere else"),
        sentence("Another provider answered than the one that was asked. Nobody was logged in: start again."),
    ),
    "replayed": Words(
        400,
        sentence("This answer was used already"),
        sentence("Each answer of %(provider)s counts once. Go on; if you are not logged in by now, you are asked to."),
        sign="clock-history",
        is_calm=True,
        is_over=True,
    ),
    "too_late": Words(
        400,
        sentence("This login took too long"),
        sentence("More than half an hour has passed since it was begun. Nothing was lost: start again."),
        sign="clock-history",
    ),
    "disabled": Words(
        403,
        sentence("This account cannot be used"),
        sentence("The MAX account that is linked with this login was disabled. Ask whoever runs the platform."),
        sign="shield-lock",
        again=False,
    ),
    "taken": Words(
        409,
        sentence("Linked with another account"),
        sentence("This login at %(provider)s is linked with another MAX account already. Neither account was changed."),
        sign="link-45deg",
        again=False,
    ),
    "not_yours": Words(
        403,
        sentence("This is not a login of your account"),
        sentence("The login at %(provider)s is not linked with the account you want to prove. Nothing was changed."),
        sign="people",
    ),
    "gone": Words(
        410,
        sentence("This step is over"),
        sentence("It was finished already, is too old, or was begun in another browser. Go on from here."),
        sign="clock-history",
        is_calm=True,
        is_over=True,
    ),
    "session_changed": Words(
        409,
        sentence("Another account is in use"),
        sentence("Meanwhile you were logged out here, or another account is in use. Nothing was changed."),
        sign="people",
        again=False,
        is_calm=True,
    ),
}


def problem(reason: str, provider: str, trip: Trip | None = None) -> Answer:
    """The page for ``reason``, with one click back to what the person wanted."""
    words = PROBLEMS[reason]
    way = trip.way if trip else Way()
    purpose = trip.purpose if trip else Purpose.LOG_IN
    pending = kept_request(way.interaction_id) if way.interaction_id else None
    begun = trip.provider if trip else provider
    stand_at(_address(reason, begun, purpose, way))
    links = _links(words, begun, purpose, way)
    return page("social/problem.html", None, pending, words=words, provider=begun, links=links), words.status


def show() -> Answer:
    """The page once more, by its own address: for a reload or another language."""
    reason, provider = request.args.get("reason", ""), request.args.get("provider", "")
    purpose = request.args.get("purpose", Purpose.LOG_IN.value)
    if reason not in PROBLEMS or purpose not in set(Purpose):
        raise NotFound
    named = provider if provider in services.settings.providers.names else ""
    way = Way(request.args.get("interaction"), own_next(), request.args.get("answer"))
    return problem(reason, named, Trip(named, Purpose(purpose), "", way))


def _address(reason: str, provider: str, purpose: Purpose, way: Way) -> str:
    return url_for(
        "social.problem",
        reason=reason,
        provider=provider or None,
        purpose=None if purpose is Purpose.LOG_IN else purpose.value,
        interaction=way.interaction_id,
        next=way.next_path,
        answer=way.answer_id,
    )


def _links(words: Words, provider: str, purpose: Purpose, way: Way) -> list[Link]:
    """The ways on, best first: the same once more, and another way."""
    again, onward = _again(provider, purpose, way) if words.again else None, _onward(words, purpose, way)
    if again is None:
        return [onward]
    return [onward, again] if words.is_calm else [again, onward]


def _again(provider: str, purpose: Purpose, way: Way) -> Link | None:
    """Where the same is tried once more; what needs a form's protection is begun from its page."""
    if purpose is not Purpose.LOG_IN or provider not in services.settings.providers.names:
        return None
    remember = 1 if way.remember else None
    address = url_for(
        "social.start", provider=provider, interaction=way.interaction_id, next=way.next_path, remember=remember
    )
    return Link(address, _("Try %(provider)s again", provider=in_words(provider_title(provider))))


def _onward(words: Words, purpose: Purpose, way: Way) -> Link:
    """Where one goes on in another way."""
    if purpose is Purpose.LINK:
        return Link(LINKED_ACCOUNTS, _("Back to linked accounts"))
    if purpose is Purpose.CONFIRM:
        return Link(url_for("login.confirm", next=safe_path(way.next_path)), _("Go on in another way"))
    if purpose is Purpose.PROVE and way.answer_id:
        return Link(url_for("social.prove_account", answer=way.answer_id), _("Go on in another way"))
    address = url_for("login.login", interaction=way.interaction_id, next=way.next_path)
    return Link(address, _("Go on") if words.is_over else _("Log in another way"))

"""What is typed about an application, a form for each part of its registration, and the columns that follows from."""

from collections.abc import Mapping
from typing import Any, ClassVar

from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs
from wtforms.validators import NumberRange, Optional

from app.admin.clients.words import CONSENTS, DAY, GRANTS, HOUR, METHODS, MINUTE
from app.errors import InvalidFields, InvalidInput, NotFound, sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.clients.records import ClientRecord
from app.services.clients.redirect_advice import ApplicationType, Level
from app.services.clients.registration import KEY_METHOD, SIGNING_ALGORITHMS
from app.web.forms import Form
from app.wiring import services

NO_ACCOUNT = sentence("There is no account of that e-mail address.")
UNITS = {MINUTE: _l("Minutes"), HOUR: _l("Hours"), DAY: _l("Days"), 1: _l("Seconds")}
A_NUMBER = _l("Enter a whole number.")
MOST_TYPED = 400 * DAY


def choices(words: Mapping[Any, Any]) -> list[SelectChoice]:
    """The choices of a field, of what each value is called."""
    return [SelectChoice(value, said) for value, said in words.items()]


class RegistrationForm(Form):
    """A part of a registration; ``seen`` says what it was shown beside, ``sure`` that what it changes was seen."""

    seen = HiddenField()
    sure = HiddenField()
    named: ClassVar[dict[str, str]] = {}
    """What services call fields of another name here."""
    fallback = ""
    """The field beside which everything else is said."""

    def fill(self, client: ClientRecord) -> None:
        """Put in what is registered."""
        raise NotImplementedError

    def wanted(self, client: ClientRecord) -> dict[str, Any]:
        """The columns as they were typed; raises :class:`InvalidInput`."""
        raise NotImplementedError


class AboutForm(RegistrationForm):
    """What people read of it, and who answers for it."""

    name = StringField(_l("Name"))
    description = StringField(_l("Description"))
    owner = StringField(_l("Who answers for it, by e-mail address"))
    contacts = TextAreaField(_l("Contacts"))
    home_uri = StringField(_l("Address of the application"))
    logo_uri = StringField(_l("Logo"))
    policy_uri = StringField(_l("Address of its privacy notice"))
    tos_uri = StringField(_l("Address of its terms of use"))
    is_listed = BooleanField(_l("It has a tile on the start page"))
    in_development = BooleanField(_l("It is in development"))
    named: ClassVar[dict[str, str]] = {
        "contact": "contacts",
        "home": "home_uri",
        "policy": "policy_uri",
        "terms": "tos_uri",
        "logo": "logo_uri",
    }
    fallback = "name"
    same = ("name", "description", "home_uri", "logo_uri", "policy_uri", "tos_uri", "is_listed", "in_development")

    def fill(self, client: ClientRecord) -> None:
        """Put in what is registered."""
        for name in self.same:
            self[name].data = getattr(client, name)
        self.contacts.data = "\n".join(client.contacts)
        owner = services.accounts.at(client.owner_id) if client.owner_id else None
        self.owner.data = owner.email if owner else ""

    def wanted(self, client: ClientRecord) -> dict[str, Any]:
        """The columns as they were typed."""
        typed = {name: self[name].data for name in self.same}
        for name in ("home_uri", "logo_uri", "policy_uri", "tos_uri"):
            typed[name] = (typed[name] or "").strip() or None
        owner_id = None
        if email := (self.owner.data or "").strip():
            try:
                owner_id = services.accounts.find(email).id
            except NotFound:
                raise InvalidInput(NO_ACCOUNT, "owner") from None
        return {
            **typed,
            "description": typed["description"] or "",
            "contacts": lines(self.contacts),
            "owner_id": owner_id,
        }


class AddressesForm(RegistrationForm):
    """Where browsers are led, and where notices of logouts go."""

    redirect_uris = TextAreaField(_l("After the login"))
    post_logout_redirect_uris = TextAreaField(_l("After the logout"))
    backchannel_logout_uri = StringField(_l("Notice of logouts"))
    named: ClassVar[dict[str, str]] = {"redirect_uri": "redirect_uris"}
    fallback = "redirect_uris"

    def fill(self, client: ClientRecord) -> None:
        """Put in what is registered."""
        self.redirect_uris.data = "\n".join(client.redirect_uris)
        self.post_logout_redirect_uris.data = "\n".join(client.post_logout_redirect_uris)
        self.backchannel_logout_uri.data = client.backchannel_logout_uri or ""

    def wanted(self, client: ClientRecord) -> dict[str, Any]:
        """The columns as they were typed; raises :class:`InvalidFields` with why addresses are refused."""
        found = {name: lines(self[name]) for name in ("redirect_uris", "post_logout_redirect_uris")}
        problems = {name: problem for name in found if (problem := refusals_of(self[name], client))}
        if problems:
            raise InvalidFields(problems)
        return {**found, "backchannel_logout_uri": (self.backchannel_logout_uri.data or "").strip() or None}


class AccessForm(RegistrationForm):
    """How it gets tokens, what it may ask for, and when people are asked."""

    grant_types = SelectMultipleField(_l("How it gets tokens"), choices=choices(GRANTS))
    consent_policy = RadioField(_l("People are asked"), choices=choices(CONSENTS))
    allowed_scopes = SelectMultipleField(_l("What it may ask for"), choices=[], validate_choice=False)
    optional_scopes = SelectMultipleField(_l("People may leave it out"), choices=[], validate_choice=False)
    named: ClassVar[dict[str, str]] = {"scope": "allowed_scopes"}
    fallback = "grant_types"

    def fill(self, client: ClientRecord) -> None:
        """Put in what is registered."""
        for name in ("grant_types", "allowed_scopes", "optional_scopes"):
            self[name].data = list(getattr(client, name))
        self.consent_policy.data = client.consent_policy

    def wanted(self, client: ClientRecord) -> dict[str, Any]:
        """The columns as they were chosen, what was there before in its order."""
        catalogue = services.scopes.names(services=True)
        return {
            "grant_types": _ordered(self.grant_types.data, client.grant_types, list(GRANTS)),
            "consent_policy": self.consent_policy.data,
            "allowed_scopes": _ordered(self.allowed_scopes.data, client.allowed_scopes, catalogue),
            "optional_scopes": _ordered(self.optional_scopes.data, client.optional_scopes, catalogue),
        }


class ProofForm(RegistrationForm):
    """How it proves to be itself."""

    auth_method = RadioField(_l("At the token endpoint"), choices=choices(METHODS))
    jwks = TextAreaField(_l("Its public keys, as a JSON Web Key Set"))
    jwks_uri = StringField(_l("Or the address where it publishes them"))
    require_pkce = BooleanField(_l("It has to use PKCE"))
    can_introspect_any = BooleanField(_l("It may look at every token"))
    fallback = "auth_method"

    def fill(self, client: ClientRecord) -> None:
        """Put in what is registered."""
        for name in ("auth_method", "require_pkce", "can_introspect_any"):
            self[name].data = getattr(client, name)
        self.jwks.data, self.jwks_uri.data = client.jwks or "", client.jwks_uri or ""

    def wanted(self, client: ClientRecord) -> dict[str, Any]:
        """The columns as they were chosen, with what follows from the method."""
        method = self.auth_method.data
        is_public, signs = method == "none", method == KEY_METHOD
        return {
            "is_confidential": not is_public,
            "auth_method": method,
            "jwks": (self.jwks.data or "").strip() or None if signs else None,
            "jwks_uri": (self.jwks_uri.data or "").strip() or None if signs else None,
            "require_pkce": is_public or self.require_pkce.data,
            "can_introspect_any": not is_public and self.can_introspect_any.data,
        }


class TokensForm(RegistrationForm):
    """How long its tokens live, and what its ID tokens are signed with; no number means that of the portal."""

    access_number = IntegerField(
        _l("Life of an access token"), validators=[Optional(), NumberRange(1, MOST_TYPED, A_NUMBER)]
    )
    access_unit = SelectField(_l("Unit"), choices=choices(UNITS), coerce=int)
    refresh_number = IntegerField(
        _l("Life of an unused refresh token"), validators=[Optional(), NumberRange(1, MOST_TYPED, A_NUMBER)]
    )
    refresh_unit = SelectField(_l("Unit"), choices=choices(UNITS), coerce=int)
    id_token_signed_response_alg = SelectField(
        _l("ID tokens are signed by"), choices=[SelectChoice(each, each) for each in SIGNING_ALGORITHMS]
    )
    lean_id_token = BooleanField(_l("ID tokens say no more than who it is, and what a request asks for"))
    fallback = "access_number"
    lives: ClassVar[dict[str, str]] = {"access": "access_token_seconds", "refresh": "refresh_token_seconds"}

    def fill(self, client: ClientRecord) -> None:
        """Put in what is registered."""
        for name, column in self.lives.items():
            seconds = getattr(client, column)
            usual = MINUTE if name == "access" else DAY
            unit = next(each for each in (DAY, HOUR, MINUTE, 1) if not seconds % each) if seconds else usual
            self[f"{name}_number"].data = seconds // unit if seconds else None
            self[f"{name}_unit"].data = unit
        self.id_token_signed_response_alg.data = client.id_token_signed_response_alg
        self.lean_id_token.data = client.lean_id_token

    def wanted(self, client: ClientRecord) -> dict[str, Any]:
        """The columns as they were typed, lives in seconds."""
        lives = {
            column: self[f"{name}_number"].data * self[f"{name}_unit"].data if self[f"{name}_number"].data else None
            for name, column in self.lives.items()
        }
        return {
            **lives,
            "id_token_signed_response_alg": self.id_token_signed_response_alg.data,
            "lean_id_token": self.lean_id_token.data,
        }


def lines(field: Any) -> list[str]:
    """What stands in a field, line by line, each once."""
    found = (line.strip() for line in (field.data or "").splitlines())
    return list(dict.fromkeys(line for line in found if line))


def kind_of(client: ClientRecord) -> ApplicationType:
    """What kind of application it seems to be, by what is registered."""
    if "authorization_code" not in client.grant_types:
        return ApplicationType.SERVICE
    if client.is_confidential:
        return ApplicationType.WEB
    is_native = any(not uri.startswith(("https://", "http://localhost")) for uri in client.redirect_uris)
    return ApplicationType.NATIVE if is_native else ApplicationType.REDIRECT


def refusals_of(field: Any, client: ClientRecord) -> str:
    """Why registration refuses addresses of a field, each by its line; nothing where it takes them all."""
    typed = [(number, line.strip()) for number, line in enumerate((field.data or "").splitlines(), start=1)]
    verdicts = [(number, services.redirect_advice.about(uri, kind_of(client))) for number, uri in typed if uri]
    refused = {number: _(each.advice[0].sentence) for number, each in verdicts if each.level is Level.ERROR}
    if len(verdicts) == 1:
        return "".join(refused.values())
    return " ".join(_("Line %(num)s: %(problem)s", num=number, problem=said) for number, said in refused.items())


def _ordered(chosen: list[str] | None, present: tuple[str, ...], known: list[str]) -> list[str]:
    wanted = set(chosen or ())
    return [name for name in dict.fromkeys([*present, *known]) if name in wanted]

"""A new application: which kind it is, what is registered of it, and how its developers go on.

Nothing is registered before it was seen as it will be. A secret is shown in the answer to the form that made it, and
nowhere else. Which scopes and consents an administrator of applications alone may give, the service says
(:mod:`app.services.clients.reach`), as it does for ``clients create``.
"""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import abort, render_template, request
from flask_login import current_user, fresh_login_required
from wtforms import BooleanField, HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField

from app.admin.clients.forms import NO_ACCOUNT, choices, lines
from app.admin.clients.words import CONSENTS, GRANTS
from app.admin.pages import Answer, asked, desk, show
from app.errors import InvalidFields, InvalidInput, NotFound, sentence
from app.languages import current_language
from app.languages import lazy_gettext as _l
from app.services.clients.redirect_advice import ApplicationType, Level, Verdict
from app.services.clients.scopes import OF_PERSONS, SERVICE_PREFIX
from app.services.foundation.powers import CLIENTS
from app.web.forms import Form, put_beside
from app.wiring import services

new_client_desk = desk("admin_new_client", "/new-client", CLIENTS)
bp = new_client_desk.bp
MOST_ADVISED = 50
LONGEST_ADVISED = 2100
LONGEST_ID = 40
NO_ADDRESS = sentence("Write at least one address: people come back there after the login.")
NO_SCOPE = sentence("Choose at least one.")


PEOPLE = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them; ``sign`` is an icon, ``example`` a redirect URI such as it has."""

    type: ApplicationType
    title: str
    about: str
    sign: str
    grants: tuple[str, ...]
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    is_confidential: bool = False
    example: str = ""

    @property
    def logs_in(self) -> bool:
        """Whether people log in to it."""
        return self.type is not ApplicationType.SERVICE


KINDS = {
    each.type.value: each
    for each in (
        Kind(
            ApplicationType.POPUP,
            sentence("In the browser, login in a popup"),
            sentence("A page that stays open behind the login. It needs no server and keeps no secret."),
            "window-stack",
            PEOPLE,
            example="https://app.example.com/oauth/callback",
        ),
        Kind(
            ApplicationType.REDIRECT,
            sentence("In the browser, login in the same tab"),
            sentence("A page that is left for the login and come back to. It needs no server and keeps no secret."),
            "window",
            PEOPLE,
            example="https://app.example.com/oauth/callback",
        ),
        Kind(
            ApplicationType.WEB,
            sentence("On a server"),
            sentence("Pages that a server makes, in any language and framework. The server keeps the secret."),
            "hdd-stack",
            PEOPLE,
            is_confidential=True,
            example="https://app.example.com/login/callback",
        ),
        Kind(
            ApplicationType.NATIVE,
            sentence("On a device"),
            sentence("A program on a phone, a desk or in a terminal. It opens the browser and keeps no secret."),
            "phone",
            PEOPLE,
            example="com.example.app:/callback",
        ),
        Kind(
            ApplicationType.SERVICE,
            sentence("Without people"),
            sentence("A job or a backend that works for itself. It gets tokens by its secret, and nobody logs in."),
            "gear",
            ("client_credentials",),
            scopes=(),
            is_confidential=True,
        ),
    )
}
"""By the value of their type, in the order they are offered."""


class NewClientForm(Form):
    """What is said about an application of some kind; ``sure`` that it was seen as it will be."""

    name = StringField(_l("Name"))
    client_id = StringField(_l("Client ID"))
    redirect_uris = TextAreaField(_l("After the login"))
    post_logout_redirect_uris = TextAreaField(_l("After the logout"))
    allowed_scopes = SelectMultipleField(_l("What it may ask for"), choices=[], validate_choice=False)
    consent_policy = RadioField(
        _l("People are asked"), choices=choices(CONSENTS), default="once", validate_choice=False
    )
    owner = StringField(_l("Who answers for it, by e-mail address"))
    in_development = BooleanField(_l("It is in development"))
    sure = HiddenField()
    named: ClassVar[dict[str, str]] = {"redirect_uri": "redirect_uris", "scope": "allowed_scopes"}


@bp.get("")
def kind() -> str:
    """Which kind of application it is."""
    return show("clients/new/kinds", kinds=KINDS.values())


@bp.route("/<any(popup,redirect,web,native,service):name>", methods=["GET", "POST"])
@fresh_login_required
def register(name: str) -> Answer:
    """What is said about it; seen as it will be, it is registered."""
    chosen, form, seen = KINDS[name], NewClientForm(), None
    if not form.is_submitted() and not form.is_draft:
        form.allowed_scopes.data, form.owner.data = list(chosen.scopes), current_user.email
        form.in_development.data = chosen.logs_in
    if form.is_submitted() and form.validate():
        try:
            client_id, said = _said(chosen, form)
            administrator = new_client_desk.acting()
            if form.sure.data:
                secret = services.clients.create(client_id, caller=administrator, **said)
                return _made(chosen, client_id, secret)
            services.clients.require_creatable(client_id, caller=administrator, **said)
            seen = (client_id, said)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name", **form.named)
    page = show(
        "clients/new/form",
        form,
        kind=chosen,
        scopes=_scopes(chosen),
        consents=CONSENTS,
        grants=GRANTS,
        verdicts=_verdicts(chosen, lines(form.redirect_uris)),
        sent=list(request.form.items(multi=True)),
        body=_body(chosen, *seen) if seen else _body(chosen, chosen.type.value, {"scopes": chosen.scopes}),
        **({"client_id": seen[0], "said": seen[1]} if seen else {}),
    )
    return (page, 400) if form.errors else page


@bp.get("/advice")
def advice() -> str:
    """What to think of the addresses ``uri``, one a line, of an application of the kind ``type``."""
    if (chosen := KINDS.get(asked("type") or "")) is None:
        abort(404)
    typed = (each.strip() for each in (asked("uri") or "").splitlines()[:MOST_ADVISED])
    uris = list(dict.fromkeys(each[:LONGEST_ADVISED] for each in typed if each))
    return render_template("admin/clients/new/advice.html", verdicts=_verdicts(chosen, uris))


def _said(chosen: Kind, form: NewClientForm) -> tuple[str, dict[str, Any]]:
    """The client id, and what else is registered; raises :class:`InvalidInput` beside the fields that are to mend."""
    problems: dict[str, str] = {}
    redirects = lines(form.redirect_uris) if chosen.logs_in else []
    if chosen.logs_in and not redirects:
        problems["redirect_uris"] = NO_ADDRESS
    if refused := next((each for each in _verdicts(chosen, redirects) if each.level is Level.ERROR), None):
        problems["redirect_uris"] = refused.advice[0].sentence
    wanted = set(form.allowed_scopes.data or ())
    scopes = [each for each in services.scopes.names(services=True) if each in wanted]
    if not scopes or len(scopes) < len(wanted):
        problems["allowed_scopes"] = NO_SCOPE
    owner_id = None
    if email := (form.owner.data or "").strip():
        try:
            owner_id = services.accounts.find(email).id
        except NotFound:
            problems["owner"] = NO_ACCOUNT
    if problems:
        raise InvalidFields(problems)
    name = (form.name.data or "").strip()
    return _id_of(form.client_id.data or "", name), {
        "name": name or " ",
        "redirects": redirects,
        "post_logout": lines(form.post_logout_redirect_uris) if chosen.logs_in else [],
        "scopes": scopes,
        "grants": chosen.grants,
        "is_confidential": chosen.is_confidential,
        "consent_policy": (form.consent_policy.data or "once") if chosen.logs_in else "once",
        "owner_id": owner_id,
        "in_development": bool(form.in_development.data),
    }


def _id_of(typed: str, name: str) -> str:
    """The client id as it was typed, in plain letters where they were full-width; else one made of the name."""
    if typed := unicodedata.normalize("NFKC", typed).strip():
        return typed
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_ID].strip("-") or "app"
    return f"{made}-{secrets.token_hex(3)}" if made == "app" or services.clients.find(made) else made


def _verdicts(chosen: Kind, uris: list[str]) -> list[Verdict]:
    return [services.redirect_advice.about(each, chosen.type, beside=uris) for each in uris[:MOST_ADVISED]]


def _scopes(chosen: Kind) -> list[tuple[Any, bool]]:
    """What an application of the kind can ask for, and whether whoever is here cannot give it."""
    names = services.scopes.names(services=True)
    found = services.scopes.sentences(names, current_language())
    fitting = [each for each in found if _fits(chosen, each.name)]
    return [(each, each.name.startswith(SERVICE_PREFIX) and not current_user.powers.is_full) for each in fitting]


def _fits(chosen: Kind, scope: str) -> bool:
    return not scope.startswith(SERVICE_PREFIX) if chosen.logs_in else scope not in OF_PERSONS


def _body(chosen: Kind, client_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the service API."""
    redirects = said.get("redirects", [chosen.example] if chosen.logs_in else [])
    return {
        "client_id": client_id,
        "name": said.get("name", client_id),
        **({"redirect_uris": redirects, "post_logout_redirect_uris": said.get("post_logout", [])} if redirects else {}),
        "allowed_scopes": said["scopes"],
        "grant_types": chosen.grants,
        "is_confidential": chosen.is_confidential,
        "consent_policy": said.get("consent_policy", "once"),
        "in_development": said.get("in_development", chosen.logs_in),
        **({"owner_id": said["owner_id"]} if said.get("owner_id") else {}),
    }


def _made(chosen: Kind, client_id: str, secret: str | None) -> Answer:
    """How its developers go on; the only time that the secret is shown."""
    client, issuer = services.clients.get(client_id), services.settings.issuer
    return show(
        "clients/new/made",
        kind=chosen,
        client=client,
        secret=secret,
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        endpoints={"token_endpoint": f"{issuer}/api/oauth/token"},
    )

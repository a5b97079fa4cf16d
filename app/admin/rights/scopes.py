"""Scopes: what each says to people in both languages, who uses it, adding one, saying it otherwise, removing one.

Whoever administers applications does all of this (``admin:clients``): a sentence tells people what an application may
do, and by registering one they decide that anyway. The scopes of the portal's own API are worded by administrators of
the platform alone. What replaces a change goes along in the address, so that it can be undone.
"""

from flask_login import current_user, fresh_login_required
from wtforms import StringField

from app.admin.lists import Filters
from app.admin.pages import Answer, PlainForm, asked, desk, done, show
from app.errors import InvalidInput, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.clients.scope_catalogue import Kind, ListedScope
from app.services.foundation.powers import CLIENTS
from app.web.forms import Form, put_beside
from app.wiring import services

scopes_desk = desk("admin_scopes", "/scopes", CLIENTS)
bp = scopes_desk.bp
ADDED = sentence("The scope is there. Applications can be registered for it from now on.")
WORDED = sentence("People read these sentences from now on.")
REMOVED = sentence("The scope is removed.")
KINDS = {
    Kind.STANDARD: sentence("OpenID Connect"),
    Kind.DATA: sentence("Of applications"),
    Kind.PERMISSION: sentence("With a permission"),
    Kind.SERVICE: sentence("For services"),
}
FEW = 20


class SentencesForm(Form):
    """What a scope says to people."""

    sentence_en = StringField(_l("What an application may do by it, in English"))
    sentence_ko = StringField(_l("What an application may do by it, in Korean"))


class NewScopeForm(SentencesForm):
    """A scope to add."""

    name = StringField(_l("Name"))


@bp.get("")
def scopes() -> str:
    """All scopes, of which what the address asks for holds."""
    filters = Filters(q=None, kind=KINDS)
    return show(
        "rights/scopes",
        filters=filters,
        scopes=[each for each in services.scope_catalogue.all() if _fits(each, filters)],
        kinds=KINDS,
        clients=services.scope_uses.clients(),
        latest=services.scope_uses.latest(),
        removed=_of_address(asked("removed")),
    )


@bp.route("/new", methods=["GET", "POST"])
def new_scope() -> Answer:
    """Add a scope, with what it says in both languages."""
    form = NewScopeForm()
    if not form.is_submitted() and not form.is_draft:
        form.name.data, form.sentence_en.data, form.sentence_ko.data = asked("name"), asked("en"), asked("ko")
    if form.validate_on_submit():
        english, korean = form.sentence_en.data or "", form.sentence_ko.data or ""
        try:
            made = services.scope_catalogue.add(form.name.data or "", english, korean, scopes_desk.acting())
            return done(ADDED, "admin_scopes.scope", name=made.name)
        except InvalidInput as refusal:
            put_beside(form, refusal, "name")
    return show("rights/new_scope", form), 400 if form.is_submitted() else 200


@bp.get("/<name>")
def scope(name: str) -> str:
    """What a scope says to people, as they are asked, and who uses it."""
    found = services.scope_catalogue.get(name)
    clients = services.scope_uses.clients().get(name, [])
    return show(
        "rights/scope",
        scope=found,
        sentence=_sentence(found),
        kind=KINDS[found.kind],
        clients=clients[:FEW],
        number=len(clients),
        consents=services.scope_uses.consents(name, clients),
        latest=services.scope_uses.latest(),
        lacks_permission=found.kind is Kind.PERMISSION and not _is_permission(name),
        can_be_worded=_is_within_reach(found),
        before=_of_address(name),
    )


@bp.route("/<name>/sentences", methods=["GET", "POST"])
def sentences(name: str) -> Answer:
    """Have a scope say something else to people."""
    found, form = services.scope_catalogue.get(name), SentencesForm()
    if not form.is_submitted() and not form.is_draft:
        form.sentence_en.data, form.sentence_ko.data = found.sentence_en, found.sentence_ko
    if form.validate_on_submit():
        english, korean = form.sentence_en.data or "", form.sentence_ko.data or ""
        try:
            was = services.scope_catalogue.word(name, english, korean, scopes_desk.acting())
            return done(WORDED, "admin_scopes.scope", name=name, en=was.sentence_en, ko=was.sentence_ko)
        except InvalidInput as refusal:
            put_beside(form, refusal, "sentence_en")
    context = {"scope": found, "number": len(services.scope_uses.clients().get(name, []))}
    return show("rights/scope_sentences", form, **context), 400 if form.is_submitted() else 200


@bp.route("/<name>/delete", methods=["GET", "POST"])
@fresh_login_required
def delete(name: str) -> Answer:
    """See who would miss a scope, and remove it where that is nobody."""
    found, form = services.scope_catalogue.get(name), PlainForm()
    if form.validate_on_submit():
        try:
            was = services.scope_catalogue.remove(name, scopes_desk.acting())
            return done(REMOVED, "admin_scopes.scopes", removed=name, en=was.sentence_en, ko=was.sentence_ko)
        except InvalidInput as refusal:
            form.form_errors.append(_(refusal.message))
    clients = services.scope_uses.clients().get(name, [])
    context = {"scope": found, "clients": clients[:FEW], "number": len(clients)}
    return show("rights/delete_scope", form, **context), 400 if form.errors else 200


def _of_address(name: str | None) -> dict[str, str] | None:
    """A scope as the address has it that a change led to: what it was before."""
    english, korean = asked("en"), asked("ko")
    return {"name": name, "en": english, "ko": korean} if name and english and korean else None


def _fits(scope: ListedScope, filters: Filters) -> bool:
    text = (filters["q"] or "").casefold()
    said = (scope.name, scope.sentence_en, scope.sentence_ko)
    return filters["kind"] in (None, scope.kind) and any(text in each.casefold() for each in said)


def _sentence(scope: ListedScope) -> str:
    return scope.sentence_ko if current_language() == "ko" else scope.sentence_en


def _is_permission(name: str) -> bool:
    return any(each.name == name for each in services.permissions.all())


def _is_within_reach(scope: ListedScope) -> bool:
    return current_user.powers.is_full or scope.kind is not Kind.SERVICE

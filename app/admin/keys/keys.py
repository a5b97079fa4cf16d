"""Signing keys: what each does and until when; having the next one take over, and withdrawing one at once.

The rules are those of the commands ``keys rotate`` and ``keys retire``: :class:`app.services.tokens.keys.Keys`.
"""

from itertools import groupby

from flask_login import fresh_login_required
from wtforms import SelectField

from app.admin.pages import Answer, PlainForm, desk, done, show
from app.errors import sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.foundation.powers import KEYS
from app.services.oversight.signing import SeenKey
from app.web.forms import Form
from app.wiring import services

keys_desk = desk("admin_keys", "/keys", KEYS)
bp = keys_desk.bp
ROTATED = sentence("The next key signs from now on. The one before goes on verifying what it signed.")
RETIRED = sentence("The key is retired. Nothing it signed is accepted any more.")
IS_RETIRED = sentence("The key was retired before. Nothing was changed.")
ALL = "all"


class RotationForm(Form):
    """Of which algorithm the next key takes over."""

    algorithm = SelectField(_l("Algorithm"))

    @property
    def is_typed(self) -> bool:
        """A choice that is made again as quickly is no draft."""
        return False


@bp.get("")
def keys() -> str:
    """All keys, by algorithm."""
    found = services.signing.all()
    by_algorithm = {name: list(some) for name, some in groupby(found, key=lambda each: each.key.algorithm)}
    return show(
        "keys/keys",
        algorithms=by_algorithm,
        access_algorithm=services.keys.access_algorithm,
        jwks_uri=f"{services.settings.issuer}/.well-known/jwks.json",
    )


@bp.route("/rotate", methods=["GET", "POST"])
@fresh_login_required
def rotate() -> Answer:
    """Say what happens when the next key takes over, and have it do so."""
    form = RotationForm()
    form.algorithm.choices = [(ALL, _("All")), *((each, each) for each in services.keys.algorithms)]
    if form.is_submitted() and form.validate():
        chosen = form.algorithm.data
        services.keys.rotate(None if chosen == ALL else chosen, keys_desk.acting())
        return done(ROTATED, "admin_keys.keys")
    found = services.signing.all()
    page = show(
        "keys/rotate",
        form,
        following=_of_state(found, "next"),
        current=_of_state(found, "current"),
        lives=services.keys.lives,
        now=services.clock(),
    )
    return (page, 400) if form.errors else page


@bp.route("/<kid>/retire", methods=["GET", "POST"])
@fresh_login_required
def retire(kid: str) -> Answer:
    """Say what the end of a key ends, and end it."""
    form, found = PlainForm(), services.signing.one(kid)
    if found.key.status == "retired":
        return done(IS_RETIRED, "admin_keys.keys")
    if form.is_submitted() and form.validate():
        services.keys.retire(kid, keys_desk.acting())
        return done(RETIRED, "admin_keys.keys")
    page = show(
        "keys/retire",
        form,
        seen=found,
        held=services.signing.signed_by(found.key),
        signs_access=found.key.algorithm == services.keys.access_algorithm,
    )
    return (page, 400) if form.errors else page


def _of_state(keys: list[SeenKey], state: str) -> list[SeenKey]:
    return [each for each in keys if each.key.status == state]

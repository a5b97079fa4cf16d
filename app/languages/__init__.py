"""The two languages of the portal: which one is shown, and sentences that read naturally in it.

English is written in the code and is the message id; Korean stands in ``translations/ko``. Korean particles depend on
the sound before them, so a translation carries both forms, as in ``%(name)s(으)로``, and every function here that
translates settles them (:mod:`app.languages.josa`) once the name is known.

Owns no routes and knows no service: what a request or an account prefers reaches :func:`select_locale` through ``g``.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

import flask_babel
from babel.dates import get_timezone
from flask import Flask, g, has_request_context, request
from flask_babel.speaklater import LazyString
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from app.languages import times
from app.languages.josa import fix_josa, josa
from app.languages.times import moment_text

SUPPORTED: Final = ("ko", "en")
DEFAULT: Final = "ko"
COOKIE: Final = "lang"
TIMEZONE: Final = "Asia/Seoul"

__all__ = [
    "COOKIE",
    "DEFAULT",
    "SUPPORTED",
    "current_language",
    "fix_josa",
    "gettext",
    "gettext_in",
    "init_app",
    "josa",
    "lazy_gettext",
    "moment_text",
    "ngettext",
    "prefer",
    "select_locale",
    "supported",
]


def supported(tag: str | None) -> str | None:
    """The language of ours that a BCP 47 (``ko-KR``) or POSIX (``ko_KR``) tag asks for, or None."""
    primary = re.split(r"[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    return primary if primary in SUPPORTED else None


def select_locale() -> str:
    """The language to show now: ``"ko"`` or ``"en"``.

    The first wish we can fulfil decides: the ``lang`` cookie (what the person chose on a page here),
    ``g.ui_locales`` (OpenID Connect Core section 3.1.2.1, as sent or as a list), ``g.person_locale`` (the account's
    setting), ``Accept-Language``, and Korean at last.
    """
    for tag in _wishes():
        if language := supported(tag):
            return language
    return DEFAULT


def current_language() -> str:
    """The language the running request is answered in; :data:`DEFAULT` outside an application context."""
    locale = flask_babel.get_locale()
    return locale.language if locale else DEFAULT


def prefer(locale: str, timezone: str = "") -> None:
    """Have the running request follow what a person chose; who was named first in it is followed."""
    g.setdefault("person_locale", locale)
    g.setdefault("person_timezone", timezone)
    flask_babel.refresh()  # a form that was made before has asked for a language already


def _wishes() -> Iterator[str | None]:
    if has_request_context():
        yield request.cookies.get(COOKIE)
    ui_locales = g.get("ui_locales") or ()
    yield from ui_locales.split() if isinstance(ui_locales, str) else ui_locales
    yield g.get("person_locale")
    if has_request_context():
        yield from _accepted(request.accept_languages)


def _accepted(header: Iterable[tuple[str, float]]) -> Iterator[str]:
    # Werkzeug's own best_match prefers the exact "en" over "ko-KR" of a higher quality, so the order is taken as given.
    refused = {supported(tag) for tag, quality in header if quality <= 0}
    for tag, quality in header:
        if quality > 0:
            yield from (language for language in SUPPORTED if language not in refused) if tag == "*" else (tag,)


def _select_timezone() -> tzinfo:
    try:
        return get_timezone(g.get("person_timezone") or TIMEZONE)
    except LookupError:
        return get_timezone(TIMEZONE)


def gettext(message: str, /, **values: Any) -> str:
    """``message`` in the shown language, ``values`` filled in (``%(name)s``), Korean particles settled."""
    return _settled(flask_babel.gettext(message, **values))


def gettext_in(language: str, message: str, /, **values: Any) -> str:
    """As :func:`gettext`, in that language, whatever is shown."""
    with flask_babel.force_locale(language):
        return gettext(message, **values)


def ngettext(singular: str, plural: str, num: int, /, **values: Any) -> str:
    """As :func:`gettext`, in the form for ``num``, which the message may show as ``%(num)d``."""
    return _settled(flask_babel.ngettext(singular, plural, num, **values))


class LazyText(LazyString):
    """A sentence translated when it is shown. Unlike its base it is escaped in HTML, for its values may be anyone's."""

    def __html__(self) -> str:
        return escape(str(self))


def lazy_gettext(message: str, /, **values: Any) -> LazyText:
    """As :func:`gettext`, decided when the text is used: for form labels and other words made at import."""
    return LazyText(gettext, message, **values)


def _settled(text: str) -> str:
    return fix_josa(text) if "(" in text and current_language() == "ko" else text


@pass_eval_context
def _template_gettext(context: EvalContext, message: str, /, **values: Any) -> str:
    return _filled(context, flask_babel.get_translations().ugettext(message), values)


@pass_eval_context
def _template_ngettext(context: EvalContext, singular: str, plural: str, num: int, /, **values: Any) -> str:
    text = flask_babel.get_translations().ungettext(singular, plural, num)
    return _filled(context, text, {"num": num, **values})


def _filled(context: EvalContext, text: str, values: dict[str, Any]) -> str:
    if not context.autoescape:
        return _settled(text % values)
    return Markup(_settled(Markup(text) % values))  # noqa: S704  # the catalogue is ours, the values were just escaped


def init_app(app: Flask, clock: Callable[[], datetime]) -> None:
    """Bind Flask-Babel to ``app``; give its templates ``_``, ``josa`` and the filters of :mod:`app.languages.times`."""
    babel = flask_babel.Babel()
    babel.init_app(
        app,
        default_locale=DEFAULT,
        default_timezone=TIMEZONE,
        default_translation_directories="../translations",
        locale_selector=select_locale,
        timezone_selector=_select_timezone,
    )
    # "_" is Jinja's own name for whatever "gettext" is.
    app.jinja_env.globals.update(gettext=_template_gettext, ngettext=_template_ngettext, josa=josa)
    times.init_app(app, clock)

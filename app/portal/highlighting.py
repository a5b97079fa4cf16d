"""Code in colours, made here and not by a script: classes only, to which ``static/css/code.css`` gives the colours."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.filter import simplefilter
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Token

KEPT = 512
"""Blocks in memory: all of the page for some dozen clients."""
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="hl-")


_PLAIN = frozenset({Token.Name, Token.Name.Other, Token.Operator, Token.Punctuation, Token.Text.Whitespace})
"""What has the colour of the text needs no element of its own."""


@simplefilter
def _only_what_is_coloured(_: Any, __: Any, tokens: Any, ___: Any) -> Iterator[tuple[Any, str]]:
    for kind, value in tokens:
        yield Token.Text if kind in _PLAIN else kind, value


@lru_cache(KEPT)
def coloured(code: str, language: str) -> Markup:
    """``code``, escaped, its parts in elements with classes; as text it is what it was, to the letter."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    lexer.add_filter(_only_what_is_coloured())
    # The formatter ends every line, the last one too. It escapes all it is given: this is code, and shows as it stands.
    lines: str = highlight(code, lexer, _FORMATTER)
    return Markup(lines.removesuffix("\n") if not code.endswith("\n") else lines)  # noqa: S704


def block(code: object, language: str) -> Markup:
    """The body of a block on a page, which begins and ends with its code."""
    return coloured(str(code).strip(), language)

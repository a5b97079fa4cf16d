"""One JSON object, read strictly (:rfc:`8259`): what two readers could take for two things is none."""

import json
from typing import Any, NoReturn


def json_object(data: bytes) -> dict[str, Any]:
    """The object that ``data`` is; raises ``ValueError`` for anything else.

    Python alone would take NaN and Infinity, UTF-16 and UTF-32, and the last of several members of one name.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)

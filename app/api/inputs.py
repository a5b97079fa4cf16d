"""Reading a request: strict JSON (:rfc:`8259`), one value per parameter, and refusals that repeat nothing of it."""

from typing import Any, TypeVar
from uuid import UUID

from flask import abort, request
from pydantic import BaseModel, ValidationError

from app.api.models import Body, Query
from app.errors import InvalidFields, NotFound, PortalError
from app.server.uploads import received_file
from app.services.foundation.json_objects import json_object

JSON, BYTES, PICTURES = "application/json", "application/octet-stream", "image/"
M = TypeVar("M", bound=BaseModel)
_MESSAGES = {
    "missing": "This is required.",
    "string_type": "This must be a string.",
    "string_unicode": "This is not valid text.",
    "string_too_short": "This is too short.",
    "string_too_long": "This is too long.",
    "bool_type": "This must be true or false.",
    "int_parsing": "This must be a whole number.",
    "greater_than_equal": "This number is too small.",
    "less_than_equal": "This number is too large.",
}
_OTHERWISE = "This value cannot be used."


class InvalidBody(PortalError):
    """The body is not one JSON object."""

    status, code, message = 400, "invalid_request", "The body must be one JSON object with each member once."


class UnknownParameter(PortalError):
    """The query asks for something that is not looked at."""

    status, code, message = 400, "invalid_request", "A parameter of the query is not known here."


class InvalidQuery(PortalError):
    """A parameter stands more than once."""

    status, code, message = 400, "invalid_request", "A parameter of the query is repeated."


def from_body(model: type[Body] | None) -> Body | None:
    """The body as ``model``; without one the body is read by nobody, but still has to be JSON.

    Nothing at all is an empty object. Raises :class:`InvalidBody`, :class:`InvalidFields`, and 413 and 415 as they are.
    """
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body and request.mimetype != JSON:
        abort(415)
    data = request.get_data() if has_body else b""
    if model is None:
        return None
    if not data and any(field.is_required() for field in model.model_fields.values()):
        raise InvalidBody
    return _checked(model, parsed(data) if data else {})


def from_file() -> bytes:
    """The body as it is, sent as some picture or as bytes; which of them is said decides nothing.

    Raises 413 and 415 as they are.
    """
    data = received_file()
    if data and request.mimetype != BYTES and not request.mimetype.startswith(PICTURES):
        abort(415)
    return data


def from_query(model: type[Query]) -> Query:
    """The query as ``model``; parameters it does not know are ignored, if it says so. Raises as :func:`from_body`."""
    if model.model_config.get("extra") == "forbid" and set(request.args) - model.model_fields.keys():
        raise UnknownParameter
    given = {name: request.args.getlist(name) for name in model.model_fields if name in request.args}
    if any(len(values) > 1 for values in given.values()):
        raise InvalidQuery
    return _checked(model, {name: values[0] for name, values in given.items()})


def row_id(value: str) -> str:
    """The id that a part of a path is, in the form ids are kept in; raises :class:`NotFound` for anything else."""
    try:
        return str(UUID(value))
    except ValueError:
        raise NotFound from None


def parsed(data: bytes) -> dict[str, Any]:
    """The object that ``data`` is; raises :class:`InvalidBody` for anything else."""
    try:
        return json_object(data)
    except ValueError:
        raise InvalidBody from None


def _checked(model: type[M], values: dict[str, Any]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # Of what was sent nothing is repeated: names are those of the model, sentences constants.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidFields(
            {str(each["loc"][0]): _MESSAGES.get(each["type"], _OTHERWISE) for each in problems}
        ) from None

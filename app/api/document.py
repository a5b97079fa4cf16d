"""The API as an OpenAPI 3.1 document, made of the operations and models that answer, so that it cannot say else."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.api import inputs, refresh_cookie
from app.api.models import Refusal
from app.api.operations import Access, Operation
from app.api.plans import keys
from app.api.service.answers import ServiceRefusal
from app.settings import Settings

REFERENCE = "#/components/schemas/{model}"
TITLE, VERSION = "MAX Platform", "1"
ABOUT = """Accounts, sessions and tokens for first-party front ends.

Every path under `/api/v1/auth` answers under `/api/auth` as well. Bodies are JSON objects in UTF-8, of at most 256 KiB,
but for that of a picture; members that are not named here are ignored. Refusals all have the shape `Refusal`: decide by
`error`, and tell `request_id` to whoever runs the portal.

A browser's script calls what needs a bearer token from the origin of any registered client; what sets or reads cookies
only from the portal's own origin and those its operator named (`CORS_ORIGINS`), with `credentials: "include"`. Other
applications use OAuth 2.0: `/.well-known/openid-configuration`."""
REFUSALS = {
    400: "`invalid_request`: the request cannot be read. `invalid_input`: `fields` says which values cannot be used.",
    401: "Nothing was presented that counts: `unauthorized`, `invalid_token`, `invalid_grant`, `wrong_credentials`.",
    403: "`insufficient_scope`: the token does not reach so far. `foreign_origin`: a page sent this that may not. "
    "`reauthentication_required`: the session's login is too long ago, and no password came in its place.",
    404: "`not_found`: there is nothing of that name, or it is somebody else's.",
    409: "`last_way_in`: nobody could log in to the account any more.",
    410: "`link_gone`: the token of the link was used, replaced by a newer one, or is too old.",
    413: "`invalid_request`: the body is too large.",
    415: "`invalid_request`: the body is not `application/json`, or where a picture is sent says to be something else.",
    422: "`idempotency_key_reused`: the key stands for another amount, or for what was given back.",
    429: "`too_many_attempts`: try again after the seconds in `Retry-After`.",
    500: "`server_error`: a fault of the portal, in its log under `request_id`.",
    503: "`unavailable`, `temporarily_unavailable`: try again after the seconds in `Retry-After`.",
}
PAGE: dict[str, Any] = {
    "description": "A page that says what happened, and leads back.",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
PREFIXED = {"users": "users_", "service": "service_"}
"""Names of operations are one list for all prefixes."""
KEY: dict[str, Any] = {
    "name": keys.HEADER,
    "in": "header",
    "required": False,
    "description": "Names what is done, so that it is done once; with quotation marks or without them.",
    "schema": {
        "type": "string",
        "pattern": keys.BARE.pattern.removesuffix("\\Z").join(("^", "$")),
        "maxLength": keys.LONGEST,
    },
}
FILE = {"schema": {"type": "string", "format": "binary"}}
OF_SERVICES = {
    401: "No service token was presented, or one that does not count.",
    403: "The token lacks a scope that this needs, which is named.",
}
EVERYWHERE = (400, 429, 500, 503)
SENT_WITH = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
LIMITS = ("RateLimit-Policy", "RateLimit")
"""Of answers about quotas that have a limit."""
SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.CREDENTIALS: [],
    Access.COOKIE: [{"refreshCookie": []}],
    Access.ANY: [{"bearer": []}, {"refreshCookie": []}, {}],
    Access.PROFILE: [{"bearer": []}],
    Access.BEARER: [{"bearer": []}],
    Access.FEATURES: [{"bearer": []}, {"service": ["admin:users"]}],
    Access.BEHALF: [{"bearer": []}, {"service": ["admin:users"]}],
    Access.SERVICE: [{"service": []}],
    Access.PAGE: [],
}


def document(settings: Settings, mounted: Sequence[tuple[str, Operation]]) -> dict[str, Any]:
    """The document of the operations, each with the prefix it is mounted under."""
    paths: dict[str, dict[str, Any]] = {}
    for prefix, operation in mounted:
        path = prefix + re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(prefix, operation, settings.providers.names)
    tags = dict.fromkeys(operation.tag for _, operation in mounted)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT},
        "servers": [{"url": settings.issuer}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": _schemas([operation for _, operation in mounted]),
            "responses": {
                **{str(status): _refusal(status) for status in REFUSALS},
                **{f"service_{status}": _refusal_of_service(status) for status in OF_SERVICES},
            },
            "headers": _headers(),
            "securitySchemes": _security_schemes(settings),
        },
    }


def _operation(prefix: str, operation: Operation, providers: Sequence[str]) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(operation.view) or "").partition("\n\n")
    described: dict[str, Any] = {
        "operationId": PREFIXED.get(prefix.rpartition("/")[2], "") + operation.name,
        "summary": summary.replace("\n", " ").rstrip("."),
        "tags": [operation.tag],
        "security": [{"service": list(operation.scopes)}] if operation.scopes else SECURITY[operation.access],
        "parameters": _parameters(operation, providers),
        "responses": _responses(operation),
    }
    if more:
        described["description"] = more.replace("\n", " ")
    if operation.takes_file:
        described["requestBody"] = {"required": True, "content": dict.fromkeys((inputs.BYTES, "image/*"), FILE)}
    if operation.body:
        is_required = any(field.is_required() for field in operation.body.model_fields.values())
        described["requestBody"] = {"required": is_required, "content": _json(operation.body)}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    if operation.access is Access.PAGE:
        # What is no address of a provider is no page either, whatever is wrong with it.
        refused = {**PAGE, "content": PAGE["content"] | _json(Refusal)}
        return {str(operation.status): _sent_on(), "404": refused, "default": refused}
    special = OF_SERVICES if operation.access is Access.SERVICE else ()
    refusals = {
        str(status): {"$ref": f"#/components/responses/{'service_' * (status in special)}{status}"}
        for status in _refusals(operation)
    }
    if operation.limit_answer:
        refusals["429"] = _refusal_of_limit(operation.limit_answer)
    return {str(operation.status): _success(operation), **refusals}


def _refusals(operation: Operation) -> list[int]:
    found = {*EVERYWHERE, *operation.refusals}
    if operation.access.is_bearer_only or operation.access is Access.SERVICE:
        found |= {401, 403}
    if operation.method != "GET":
        found |= {403, 413, 415}
    return sorted(found)


def _parameters(operation: Operation, providers: Sequence[str]) -> list[dict[str, Any]]:
    schemas = {
        "session_id": {"type": "string", "format": "uuid"},
        "provider": {"type": "string", **({"enum": list(providers)} if providers else {})},
        "client_id": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,100}$"},
        "user_id": {"type": "string", "format": "uuid"},
        "override_id": {"type": "string", "format": "uuid"},
        "plan": {"type": "string", "pattern": "^[a-z]{1,20}$"},
        "secret_id": {"type": "string", "format": "uuid"},
        "role_id": {"type": "string", "format": "uuid"},
        "group_id": {"type": "string", "format": "uuid"},
        "permission": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*)+$", "maxLength": 64},
        "subject": {"type": "string", "pattern": "^[0-9a-f-]{32,36}$"},
    }
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": schemas[name]}
        for name in re.findall(r"<(\w+)>", operation.path)
    ]
    in_header = [KEY] if operation.takes_key else []
    if operation.query is None:
        return in_path + in_header
    schema = operation.query.model_json_schema(ref_template=REFERENCE)
    return (in_path + in_header) + [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": each.pop("description", ""),
            "schema": {key: value for key, value in each.items() if key != "title"},
        }
        for name, each in schema["properties"].items()
    ]


def _sent_on() -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", "Location")}
    return {"description": "Where the browser goes on.", "headers": headers}


def _success(operation: Operation) -> dict[str, Any]:
    headers = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
    if operation.clears_site:
        headers["Clear-Site-Data"] = {"$ref": "#/components/headers/Clear-Site-Data"}
    if operation.tells_limit:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in LIMITS}
    if operation.answer is None:
        return {"description": "Done.", "headers": headers}
    about = inspect.getdoc(operation.answer) or ""
    return {"description": about.replace("\n", " "), "headers": headers, "content": _json(operation.answer)}


def _refusal(status: int) -> dict[str, Any]:
    names = ("X-Request-ID", *SENT_WITH.get(status, ()))
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": REFUSALS[status], "headers": headers, "content": _json(Refusal)}


def _refusal_of_limit(model: type[BaseModel]) -> dict[str, Any]:
    """That there is not so much left, or as anywhere that requests came too fast."""
    names = ("X-Request-ID", "Retry-After", *LIMITS)
    both = [{"$ref": REFERENCE.format(model=each.__name__)} for each in (model, Refusal)]
    return {
        "description": f"{inspect.getdoc(model)} Or {REFUSALS[429]}",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {"application/json": {"schema": {"anyOf": both}}},
    }


def _refusal_of_service(status: int) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", "WWW-Authenticate")}
    return {"description": OF_SERVICES[status], "headers": headers, "content": _json(ServiceRefusal)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}


def _schemas(operations: list[Operation]) -> dict[str, Any]:
    """The schemas of all models and of those within them."""
    asked: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for operation in operations:
        if operation.body:
            asked[operation.body, "validation"] = None
        if operation.answer:
            asked[operation.answer, "serialization"] = None
        if operation.limit_answer:
            asked[operation.limit_answer, "serialization"] = None
    asked[Refusal, "serialization"] = asked[ServiceRefusal, "serialization"] = None
    _, found = models_json_schema(list(asked), ref_template=REFERENCE)
    named = found["$defs"]
    for query in (operation.query for operation in operations if operation.query):
        named |= query.model_json_schema(ref_template=REFERENCE).get("$defs", {})
    return dict(sorted(named.items()))


def _headers() -> dict[str, Any]:
    def text(description: str, *, is_always: bool = True, **schema: object) -> dict[str, Any]:
        return {"description": description, "required": is_always, "schema": {"type": "string", **schema}}

    return {
        "X-Request-ID": text("Names the request in the portal's log."),
        "WWW-Authenticate": text("How to come in (RFC 6750 section 3)."),
        "Location": text("An address of the portal or of the provider."),
        "Retry-After": text("Seconds to wait.", pattern="^[0-9]+$"),
        "Clear-Site-Data": text("What the browser forgets."),
        "RateLimit-Policy": text(
            "Units of a month and its seconds (draft-ietf-httpapi-ratelimit-headers); not without a limit.",
            is_always=False,
            pattern='^"monthly";q=[0-9]+;w=[0-9]+$',
        ),
        "RateLimit": text(
            "Units left and seconds to the next month; not without a limit.",
            is_always=False,
            pattern='^"monthly";r=[0-9]+;t=[0-9]+$',
        ),
    }


def _security_schemes(settings: Settings) -> dict[str, Any]:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of this API or of another first-party client (RFC 9068). `GET /me` takes "
            "that of any application that may read the profile, `GET /api/v1/quota` that of any with `read:features`.",
        },
        "service": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A service token: the client credentials grant of `/api/oauth/token`, with the scopes that "
            "an operation names. `admin:full` stands for all of them.",
        },
        "refreshCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": refresh_cookie.name(settings),
            "description": "Set by register, login and refresh: HttpOnly, SameSite=Lax, on the portal's own host.",
        },
    }

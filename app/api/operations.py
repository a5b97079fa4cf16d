"""What a route of the API is: one object that checks the request, calls the view, and describes itself."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from app.api import bearer, inputs, refresh_cookie
from app.api.models import Answer, Body, Query
from app.api.plans import keys
from app.api.plans.asking import asking
from app.api.service_token import service
from app.database import ADMINISTRATION, AUTHENTICATION, NOBODY, only_reads, person
from app.web.cookies import clear_site
from app.web.origins import takes_bearer_only
from app.wiring import services

View = Callable[..., Answer | Response | None]


class Access(enum.Enum):
    """What a request proves itself with, which decides from where browsers may send it (:mod:`app.web.origins`)."""

    CREDENTIALS = "credentials"
    """Something in the body, such as a password or a mailed token, and cookies are set."""
    COOKIE = "cookie"
    """The refresh token's cookie."""
    ANY = "any"
    """A bearer token or a cookie, whichever there is."""
    PROFILE = "profile"
    """The access token of any application that may read the profile."""
    BEARER = "bearer"
    """The access token of the portal or of another first-party client."""
    FEATURES = "features"
    """The access token of a first-party client, or of any that was granted `read:features`, for its person; or a
    service token with `admin:users`, which names one (:mod:`app.api.plans.asking`)."""
    BEHALF = "behalf"
    """The access token of a first-party client for its person, or such a service token."""
    SERVICE = "service"
    """The service token of a backend, with the scopes that the operation names (:mod:`app.api.service_token`)."""
    PAGE = "page"
    """Nothing: a browser is led there, and what is answered are redirects and pages. Described here, and answered by
    another package."""

    @property
    def is_bearer_only(self) -> bool:
        """Whether no cookie counts, so that no other site can make a browser do it."""
        return self in {Access.PROFILE, Access.BEARER, Access.FEATURES, Access.BEHALF}

    @property
    def may_name_person(self) -> bool:
        """Whether a service may ask as well, for whom it names."""
        return self in {Access.FEATURES, Access.BEHALF}


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path.

    The view gets what the operation asks for: ``person``, ``service`` or ``asking``, ``query``, ``body`` or ``file``,
    ``key``, and parameters of the path; its answer is sent as JSON with ``status``, or as 204 where there is none.
    ``is_on_record`` marks one that only reads and writes that down, ``tells_limit`` one whose answers say in headers
    how much is left; ``limit_answer`` is what is answered where it is too little; ``is_question`` one of POST that
    only reads.
    """

    method: str
    path: str
    view: View
    access: Access
    tag: str
    answer: type[Answer] | None = None
    status: int = 200
    body: type[Body] | None = None
    takes_file: bool = False
    query: type[Query] | None = None
    refusals: tuple[int, ...] = ()
    clears_site: bool = False
    scopes: tuple[str, ...] = ()
    is_on_record: bool = False
    is_question: bool = False
    takes_key: bool = False
    tells_limit: bool = False
    limit_answer: type[Answer] | None = None

    @property
    def name(self) -> str:
        """How programs call it."""
        return self.view.__name__

    def endpoint(self) -> Callable[..., Response]:
        """The view as Flask calls it."""

        def answer(**arguments: Any) -> Response:
            if self.is_question or (self.method == "GET" and not self.is_on_record):
                only_reads()
            arguments |= self._who()
            if self.query:
                arguments["query"] = inputs.from_query(self.query)
            if self.takes_key:
                arguments["key"] = keys.from_header()
            if self.takes_file:
                arguments["file"] = inputs.from_file()
            body = inputs.from_body(self.body) if self.method != "GET" and not self.takes_file else None
            if self.body:
                arguments["body"] = body
            return self._respond(self.view(**arguments))

        answer.__doc__ = self.view.__doc__
        return takes_bearer_only(answer) if self.access.is_bearer_only else answer

    def _who(self) -> dict[str, Any]:
        """Whoever the request proves to be, by the name that views know them by; what is theirs is in reach then."""
        services.db.enter(AUTHENTICATION)
        if self.access.may_name_person:
            who = asking(needs_first_party=self.access is Access.BEHALF)
            # A service reaches the rows of whom it names, as soon as that is read.
            services.db.enter(NOBODY if who.person_id is None else person(who.person_id))
            return {"asking": who}
        if self.access.is_bearer_only:
            found = bearer.person(needs_first_party=self.access is Access.BEARER)
            services.db.enter(person(found.id))
            return {"person": found}
        if self.access is Access.SERVICE:
            backend = service(self.scopes)
            services.db.enter(ADMINISTRATION)
            return {"service": backend}
        return {}

    def _respond(self, result: Answer | Response | None) -> Response:
        if isinstance(result, Response):
            return result
        if result is None:
            return make_response("", 204)
        response = jsonify(result.model_dump(mode="json"))
        response.status_code = self.status
        if self.clears_site:
            clear_site(response)
        return response


class Routes:
    """Collects the operations of a module: ``@routes.post("/login", …)``."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def __call__(self, method: str, path: str, access: Access, **described: Any) -> Callable[[View], View]:
        """Make the function the view of an operation."""

        def add(view: View) -> View:
            self.operations.append(Operation(method, path, view, access, self.tag, **described))
            return view

        return add


def blueprint(name: str, operations: Iterable[Operation]) -> Blueprint:
    """The operations as Flask mounts them."""
    found = Blueprint(name, __name__)
    for each in operations:
        found.add_url_rule(each.path, each.name, each.endpoint(), methods=[each.method])
    found.after_request(bearer.add_challenge)
    found.after_request(refresh_cookie.write)
    return found

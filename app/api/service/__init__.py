"""The service API: what backends with a service token administer, below ``/api/admin/oauth/service``.

    GET    statistics                            how many there are of what, logins and failures over time
    GET    clients                               registered applications; POST registers one
    GET    clients/<client_id>                   one of them; PATCH changes it, DELETE removes it
    POST   clients/<client_id>/regenerate-secret a new secret, shown once; DELETE …/secrets/<secret_id> ends one
    GET    users                                 people; POST makes an account
    GET    users/<user_id>                       one of them; PATCH changes, DELETE removes the account
    POST   users/<user_id>/end-sessions          log a person out everywhere
    POST   users/<user_id>/password-reset        mail a link to set a new password
    GET    sessions                              signed-in browsers; DELETE sessions/<session_id> ends one
    GET    tokens                                what applications hold for whom
    GET    tokens/denylist                       access tokens that were ended before their time
    POST   tokens/revoke                         end a token, or all of a grant, a person or a client
    GET    audit                                 the audit trail
    GET    trace/<id>                            what is on record about a request, session, grant or person
    GET    settings                              what the portal runs with, secrets masked

Each operation names the scope that the token needs; ``admin:full`` stands for all of them. No cookie counts, and no
script of another origin may read an answer.
"""

from app.api.service import audit, clients, people, sessions, statistics, tokens

PREFIX = "/api/admin/oauth/service"
OPERATIONS = tuple(
    each for room in (statistics, clients, people, sessions, tokens, audit) for each in room.routes.operations
)

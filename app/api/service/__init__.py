"""The service API: what backends with a service token administer, below ``/api/admin/oauth/service``.

    GET    statistics                            how many there are of what, logins and failures over time
    GET    clients                               registered applications; POST registers one
    GET    clients/<client_id>                   one of them; PATCH changes it, DELETE removes it
    POST   clients/<client_id>/regenerate-secret a new secret, shown once; DELETE …/secrets/<secret_id> ends one
    POST   redirect-uri-advice                   what to think of a redirect URI before it is registered
    GET    clients/<client_id>/health            how it fares, what nobody uses, what to change
    GET    statistics/over-time                  the portal by the hour and by the day
    POST   clients/<client_id>/token-preview     what a person's tokens would say; nothing is issued
    GET    users                                 people; POST makes an account
    GET    users/<user_id>                       one of them; PATCH changes, DELETE removes the account
    POST   users/<user_id>/end-sessions          log a person out everywhere
    POST   users/<user_id>/password-reset        mail a link to set a new password
    GET    users/<user_id>/permissions/<permission>   why somebody may do something, or may not
    GET    permissions                           what can be permitted; POST declares one, DELETE …/<permission> removes
    GET    permissions/<permission>/people       who may do it
    GET    roles                                 roles; POST makes one
    GET    roles/<role_id>                       one of them; PATCH changes, DELETE removes it
    GET    groups                                groups and workspaces; POST makes one
    GET    groups/<group_id>                     one of them; PATCH renames, DELETE removes it
    GET    groups/<group_id>/members             who is in it
    PUT    groups/<group_id>/members/<user_id>   have somebody be in it with a role; DELETE takes them out
    POST   …/preview                             below each of the last: what such a change would do
    GET    users/<user_id>/quota                 what a person may take; POST …/reset sets the use back
    GET    users/<user_id>/overrides             what was granted to one; POST grants, DELETE …/<override_id> ends
    GET    plans                                 how much each gives; PATCH plans/<plan> changes it
    GET    sessions                              signed-in browsers; DELETE sessions/<session_id> ends one
    GET    tokens                                what applications hold for whom
    GET    tokens/denylist                       access tokens that were ended before their time
    POST   tokens/revoke                         end a token, or all of a grant, a person or a client
    GET    audit                                 the audit trail
    GET    deliveries                            mails and notices on their way
    GET    trace/<id>                            what is on record about a request, session, grant or person
    GET    settings                              what the portal runs with, secrets masked

Each operation names the scope that the token needs; ``admin:full`` stands for all of them. No cookie counts, and no
script of another origin may read an answer.
"""

from app.api.service import audit, clients, groups, insight, people, plans, roles, sessions, statistics, tokens

PREFIX = "/api/admin/oauth/service"
OPERATIONS = tuple(
    each
    for room in (statistics, clients, insight, people, roles, groups, plans, sessions, tokens, audit)
    for each in room.routes.operations
)

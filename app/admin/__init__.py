"""What administrators see and decide about the platform. Nobody else comes in: ``app.admin.pages`` asks at one door.

GET      /admin                                     how much there is of what
GET      /admin/search?q=…                          all that one may open, by a part of what is known of it
GET      /admin/people                              everybody with an account; ?q=…&active=…&verified=…&admin=…&plan=…
GET      /admin/people/<user_id>                    one of them
GET      /admin/people/<user_id>/beside/<other_id>  the two side by side, if they may be one person
POST     /admin/people/<user_id>/<deed>             disable, enable, verify, unverify, log-out, reset
GET|POST /admin/people/<user_id>/groups             see what a role in a group would do, and give it; ?group=…&role=…
GET|POST /admin/people/<user_id>/plan               another plan
GET|POST /admin/people/<user_id>/delete             remove the account, once its address was typed
GET|POST /admin/people/<user_id>/act                see the portal as that person does
POST     /acting/end                                for whoever does: be there as oneself again
POST     /admin/people                              choose some of them, or all that fit, to have something done
GET      /admin/people/tasks                        what whoever is here had done to many
GET|POST /admin/people/tasks/<task_id>              what would be done, is, or was; ?deed=…&plan=…&group=…&role=…
POST     /admin/people/tasks/<task_id>/stop         go no further
GET      /admin/people/tasks/<task_id>/report.csv   what became of each
GET|POST /admin/people/import                       send a file of people of another system
GET      /admin/sessions                            where people are logged in; ?person=…&client=…&network=…&state=…
GET      /admin/sessions/<session_id>               one of them
POST     /admin/sessions/<session_id>/end           end it
GET      /admin/tokens                              what applications hold; ?person=…&client=…&session=…&jti=…&state=…
GET      /admin/tokens/<grant_id>                   the tokens of one login in an application
POST     /admin/tokens/<grant_id>/revoke            end them
GET|POST /admin/tokens/denied                       the denylist; what a token is worth
POST     /admin/tokens/denied/deny                  deny the access token that was looked up
GET      /admin/audit                               what is on record; ?action=…&person=…&actor=…&client=…&success=…&…
GET      /admin/audit/<record_id>                   one record, with what proves it
GET      /admin/audit/saved                         the filters of it that whoever is here keeps
GET|POST /admin/audit/saved/new                     keep one by a name; ?action=…&person=…&…
POST     /admin/audit/saved/<filter_id>/remove      keep it no longer
GET|POST /admin/audit/export                        records as a file, a part at a time
GET|POST /admin/audit/verify                        whether all of them are as they were sealed, a part at a time
GET      /admin/groups                              groups and workspaces; ?q=…&kind=…
GET|POST /admin/groups/new                          make one
GET      /admin/groups/<group_id>                   one, and who is in it; ?q=…&role=…
GET|POST /admin/groups/<group_id>/{name,acting,delete}            change it, or remove it; ?primary=…
GET      /admin/groups/<group_id>/members/new       whoever is to join; ?q=…
GET|POST /admin/groups/<group_id>/members/<user_id> see what a role there would do, or none, and make it so; ?role=…
GET      /admin/roles                               roles and permissions, side by side
GET|POST /admin/roles/new                           make one
GET      /admin/roles/<role_id>[/people]            one; everybody who holds it
GET|POST /admin/roles/<role_id>/{name,permissions,delete}         change it, once it was seen what that does
GET      /admin/roles/permissions/<name>            what a permission allows, and who may do it
GET|POST /admin/roles/permissions/new               declare one
POST     /admin/roles/permissions/<name>/remove     remove one that no role carries
GET      /admin/plans                               plans, and how many people are on each
GET|POST /admin/plans/<plan>                        another limit, once it was seen whom it stops; ?limit=…
GET      /admin/scopes                              scopes, and how much each is used; ?q=…&kind=…
GET|POST /admin/scopes/new                          add one; ?name=…&en=…&ko=…
GET      /admin/scopes/<name>                       one: what it says to people, who uses it
GET|POST /admin/scopes/<name>/{sentences,delete}    have it say something else, or remove it
GET      /admin/keys                                signing keys
GET|POST /admin/keys/rotate                         have the next key take over
GET|POST /admin/keys/<kid>/retire                   withdraw a key at once
GET      /admin/providers                           whom people can come in by, and whom they could
GET      /admin/providers/<name>                    one: what is set, what it gives, how it fares
POST     /admin/providers/<name>/test               ask it whether a login would work
GET      /admin/clients                             applications; ?q=…&active=…&development=…&server=…&consent=…&scope=…
GET      /admin/new-client                          which kind of application is to be registered
GET|POST /admin/new-client/<kind>                   what is registered of it, seen beforehand; its secret, this once
GET      /admin/new-client/advice                   what to think of redirect URIs; ?type=…&uri=…
GET      /admin/clients/<client_id>                 one, and all that is registered about it
GET      /admin/clients/<client_id>/health           how it fares, and what to change about it
GET      /admin/clients/<client_id>/preview          what its tokens would say of a person; ?who=…&scope=…
GET      /admin/clients/<client_id>/try              log in to it, to see whether that works
GET      /admin/clients/try/callback                where the answer of such a trial arrives
GET|POST /admin/clients/<client_id>/about           change what people read of it
GET|POST /admin/clients/<client_id>/{addresses,access,proof,tokens}   change how it works, once that was seen
GET|POST /admin/clients/<client_id>/undo            take that back; ?mark=…
GET      /admin/clients/<client_id>/secrets         since when its secrets count, and until when
GET|POST /admin/clients/<client_id>/secrets/new     a new one, shown once
GET|POST /admin/clients/<client_id>/secrets/<secret_id>/end   end one of two
GET|POST /admin/clients/<client_id>/{disable,enable,delete}   stop it, let it go on, remove it
GET|POST /admin/clients/<client_id>/redirect-uris/new             register an address that a request came with; ?uri=…
GET|POST /admin/clients/<client_id>/redirect-uris/registered      it is registered; take it back again
GET|POST /admin/clients/<client_id>/post-logout-redirect-uris/…   the same for where a logout leads
GET      /admin/mail                                mails that wait, and the server; ?state=…&person=…
POST     /admin/mail/test                           send one to oneself
GET      /admin/mail/templates[/<name>[/html]]      how mails look; ?language=…&width=…
GET      /admin/notices                             what applications and providers are told; ?state=…&kind=…&client=…
GET      /admin/{mail,notices}/<delivery_id>        one of them, without what it says
POST     /admin/{mail,notices}[/<delivery_id>]/retry              try what failed now, one or all of it
GET|POST /admin/{mail,notices}/<delivery_id>/drop   see what is lost with it, and take it out of the queue
GET      /admin/settings                            what the portal runs with; ?q=…&group=…&source=…&set=…
GET      /admin/self-check                          the run under way, the last report and those before
GET      /admin/self-check/<report_id>              what one run found, and what is otherwise than before
GET|POST /admin/self-check/new                      what it does, and beginning one
POST     /admin/self-check/stop                     end the run under way

Each part is opened by a permission of its own (:mod:`app.services.foundation.powers`), and all of them to who
administers the platform. What cannot be undone, and what lets an application do more, asks for a proof once more if the
last one is a while ago (``@fresh_login_required``). What is changed is done by :meth:`app.admin.pages.Desk.acting`,
which asks the database.
"""

from flask import Flask

from app.admin import clients, delivery, home, keys, people, providers, record, rights, search, system

DESKS = (
    home.home_desk,
    search.search_desk,
    *people.DESKS,
    *rights.DESKS,
    *clients.DESKS,
    *record.DESKS,
    *keys.DESKS,
    *providers.DESKS,
    *system.DESKS,
    *delivery.DESKS,
)


def register(app: Flask) -> None:
    """Mount the pages."""
    for each in DESKS:
        app.register_blueprint(each.bp)
    app.register_blueprint(people.acting.ended)

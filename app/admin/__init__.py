"""What administrators see and decide about the platform. Nobody else comes in: ``app.admin.pages`` asks at one door.

GET      /admin                                     how much there is of what
GET      /admin/search?q=…                          people by a part of what is known of them
GET      /admin/people                              everybody with an account; ?q=…&active=…&verified=…&admin=…&plan=…
GET      /admin/people/<user_id>                    one of them
POST     /admin/people/<user_id>/<deed>             disable, enable, verify, unverify, log-out, reset
GET|POST /admin/people/<user_id>/groups             see what a role in a group would do, and give it; ?group=…&role=…
GET|POST /admin/people/<user_id>/plan               another plan
GET|POST /admin/people/<user_id>/delete             remove the account, once its address was typed
GET|POST /admin/people/<user_id>/act                see the portal as that person does
POST     /acting/end                                for whoever does: be there as oneself again
GET      /admin/audit                               what is on record; ?action=…&person=…&actor=…&client=…&success=…&…
GET      /admin/audit/<record_id>                   one record, with what proves it
GET|POST /admin/audit/export                        records as a file, a part at a time
GET|POST /admin/clients/<client_id>/redirect-uris/new             register an address that a request came with; ?uri=…
GET|POST /admin/clients/<client_id>/redirect-uris/registered      it is registered; take it back again
GET|POST /admin/clients/<client_id>/post-logout-redirect-uris/…   the same for where a logout leads

Each part is opened by a permission of its own (:mod:`app.services.foundation.powers`), and all of them to who
administers the platform. What cannot be undone, and what lets an application do more, asks for a proof once more if the
last one is a while ago (``@fresh_login_required``). What is changed is done by :meth:`app.admin.pages.Desk.acting`,
which asks the database.
"""

from flask import Flask

from app.admin import clients, home, people, record, search

DESKS = (home.home_desk, search.search_desk, *people.DESKS, *clients.DESKS, *record.DESKS)


def register(app: Flask) -> None:
    """Mount the pages."""
    for each in DESKS:
        app.register_blueprint(each.bp)
    app.register_blueprint(people.acting.ended)

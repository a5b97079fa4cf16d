"""What people see and decide about their own account. Every page needs a session and is never shared with an opener.

GET      /account                              how the account stands
POST     /account/verification                 mail the link that verifies the address once more
GET|POST /account/profile                      who one is, with a photo; language and time zone
GET      /account/security                     password, address, and what to do if something looks wrong
GET|POST /account/security/password  …/email   change them; set the first password
GET      /account/identities                   accounts at providers that one can log in with
POST     /account/identities/<id>/unlink       end the link with one
GET      /account/sessions                     where one is logged in; ?after=… for the next ones
POST     /account/sessions/<id>/end            end one
POST     /account/sessions/end-others          end all but this one
GET      /account/apps                         applications with access
POST     /account/apps/<client_id>/remove      take it away
GET      /account/plan                         the plan, what is left of the month, what it went into; ?after=…
GET      /account/activity                     what happened; ?kind=… for one kind, ?after=… for what was before
GET      /account/data                         export and deletion
GET      /account/data/export  …/export.json   everything stored, to read and to keep
GET|POST /account/data/delete                  ask for the end of the account
POST     /account/data/keep                    keep it after all
GET      /account/deleted                      where an end at once leads

What is sensitive asks for a proof once more if the last one is a while ago (``@fresh_login_required``).
"""

from flask import Flask

from app.account import activity, apps, data, identities, overview, plan, profile, security, sessions
from app.account.pages import bp

PARTS = (overview, profile, security, identities, sessions, apps, plan, activity, data)


def register(app: Flask) -> None:
    """Mount the pages."""
    app.register_blueprint(bp)

"""Logging in and out, registering, and choosing an account.

    GET|POST /login            log in; with ?interaction=… on behalf of an application
    GET|POST /register         make an account
    GET|POST /select-account   go on as one of those who are here, or as somebody else
    GET|POST /logout           end the sessions of this browser
    GET      /logged-out       where logging out leads
    GET|POST /forgot-password  ask for a link to set a new password
    GET|POST /reset-password   set it, by that link
    GET|POST /verify-email     prove an address; POST /verify-email/resend for another link
    GET|POST /change-email     let a new address count
    GET|POST /restore-email    take that back
    GET|POST /confirm          proof once more, before something sensitive: the password, or a code in a mail
    POST     /password-strength  how hard a new password is to guess

A step records what happened on the interaction and returns to ``oauth.resume``; it decides nothing itself.
"""

from flask import Flask

from app.login import addresses, confirmation, passwords, recovery  # noqa: F401 their views join the blueprint
from app.login.routes import bp
from app.web.sessions import has_other_accounts


def register(app: Flask) -> None:
    """Mount the pages."""
    app.register_blueprint(bp)
    app.jinja_env.globals["has_other_accounts"] = has_other_accounts

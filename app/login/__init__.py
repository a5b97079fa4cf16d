"""Logging in and out, registering, and choosing an account.

    GET|POST /login            log in; with ?interaction=… on behalf of an application
    GET|POST /register         make an account
    GET|POST /select-account   go on as somebody, or as somebody else
    GET|POST /logout           end the session of this browser
    GET      /logged-out       where logging out leads

A step records what happened on the interaction and returns to ``oauth.resume``; it decides nothing itself.
"""

from flask import Flask

from app.login.routes import bp


def register(app: Flask) -> None:
    """Mount the pages."""
    app.register_blueprint(bp)

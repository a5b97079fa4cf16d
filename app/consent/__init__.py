"""The consent step: shows what a client asks for and would get, and records the answer.

    GET  /consent?interaction=…   the page
    POST /consent?interaction=…   allow or deny, then back to ``oauth.resume``

The stored request decides what can be allowed; from the form comes only what of the optional scopes is left out.
"""

from flask import Flask

from app.consent.routes import bp


def register(app: Flask) -> None:
    """Mount the page."""
    app.register_blueprint(bp)

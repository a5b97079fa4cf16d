"""Coming in by Google, Kakao, Naver, Discord or any OpenID provider.

    GET  /auth/<provider>            to the provider, to log in; ?interaction=… on behalf of an application, ?next=…
    GET  /auth/<provider>/callback   back from it
    POST /auth/<provider>/link       to it, to link what comes back with the account
    POST /auth/<provider>/confirm    to it, to prove once more to be there
    POST /auth/<provider>/prove      to it, to prove the account that has the address
    GET|POST /join                   a new account: its name, its address, the terms
    GET|POST /join/email  …/code     an address, where the provider gave none that is proven
    GET|POST /join/prove             the proof of the account that has the address
    GET  /auth/problem               what went wrong with a provider, once more
    GET|POST /auth/kakao/webhook     Kakao's word that somebody ended the link there

``app.extensions["provider_trials"]`` tries a provider out (:func:`app.social.trials.tried`).

The first two answer under /api/v1/auth and /api/auth as well. Only providers that are configured have addresses. All
that knows Authlib's clients is here; the rules are in :mod:`app.services.identities`.
"""

from flask import Blueprint, Flask

from app.settings import Settings
from app.social import arrivals, departures, joining, problems, providers, trials, webhook
from app.social.farewells import FarewellCourier
from app.web.origins import for_browsers
from app.web.reach import reach_authentication

__all__ = ["FarewellCourier", "register"]
PREFIXES = {"social": "/auth", "social_api": "/api/v1/auth", "social_compatible": "/api/auth"}


def register(app: Flask, settings: Settings) -> None:
    """Mount the routes of the providers that are configured."""
    providers.configure(app, settings)
    app.extensions["provider_trials"] = trials.tried
    if not (names := settings.providers.names):
        return
    of_one = f"<any({', '.join(repr(name) for name in names)}):provider>"
    for name, prefix in PREFIXES.items():
        bp = Blueprint(name, __name__)
        reach_authentication(bp)
        bp.add_url_rule(f"{prefix}/{of_one}", "start", for_browsers(departures.start))
        bp.add_url_rule(f"{prefix}/{of_one}/callback", "callback", for_browsers(arrivals.callback))
        if name == "social":
            _add_pages(bp, f"{prefix}/{of_one}")
            if settings.providers.kakao_admin_key:
                bp.add_url_rule("/auth/kakao/webhook", "kakao_webhook", webhook.unlinked, methods=["GET", "POST"])
        app.register_blueprint(bp)


def _add_pages(bp: Blueprint, address: str) -> None:
    for name in ("link", "confirm", "prove"):
        bp.add_url_rule(f"{address}/{name}", name, getattr(departures, name), methods=["POST"])
    bp.add_url_rule("/auth/problem", "problem", problems.show)
    steps = {"/join": "join", "/join/email": "email", "/join/code": "code", "/join/prove": "prove_account"}
    for path, name in steps.items():
        bp.add_url_rule(path, name, getattr(joining, name), methods=["GET", "POST"])

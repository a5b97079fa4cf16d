"""The MAX Platform identity portal. :func:`create_app` and ``app.wiring`` alone know everything."""

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from werkzeug.datastructures import Headers

from app import account, admin, api, cli, consent, extensions, languages, login, mail, oauth, portal, social, wiring
from app.api import refresh_cookie
from app.oauth import direct
from app.server import background, logs, outward, terms, uploads
from app.server.metrics import families, layers, meters
from app.server.tracing import switch
from app.services.foundation.environment import Clock, utc_now
from app.settings import Settings
from app.web import (
    cookies,
    devices,
    drafts,
    error_pages,
    oversized,
    presentation,
    providers,
    proxies,
    published,
    security,
    sessions,
)
from app.web.acting import door

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class PortalResponse(Response):
    """A response whose ``Location`` goes out as it was written."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Every address is built of checked, encoded parts; Werkzeug would take each apart and encode it once more."""
        location = self.headers.pop("Location", None)
        headers = super().get_wsgi_headers(environ)
        if location is not None:
            headers["Location"] = self.headers["Location"] = location
        return headers


class Portal(Flask):
    """A Flask application without coroutines, and with the form session of :mod:`app.web.sessions`."""

    request_class = uploads.PortalRequest
    response_class = PortalResponse
    session_interface = sessions.FormSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view here is a coroutine; asking each function of each request whether it is one takes a while."""
        return func


def create_app(settings: Settings | None = None, clock: Clock = utc_now) -> Flask:
    """Build the portal. Reads the environment only when no settings are given."""
    settings = settings or Settings.from_environment_or_exit()
    app = Portal(
        __name__,
        template_folder="../templates",
        static_folder="../static",
        instance_relative_config=True,
        instance_path=str(settings.instance_path),
    )
    app.config.from_mapping(settings.flask_config())
    logs.configure(app, settings)
    extensions.bind(app, settings)
    built = wiring.build_services(settings, extensions.db, clock)
    wiring.bind(app, built)
    measured = meters.configure(app, built)
    oversized.configure(app, settings, _own_cookies(app, settings))
    security.configure(app, settings)
    sessions.configure(app)
    door.configure(app)
    devices.configure(app)
    drafts.configure(app)
    languages.init_app(app, clock)
    presentation.configure(app)
    providers.configure(app)
    error_pages.register(app)
    for package in (oauth, api, login, consent, account, admin, portal):
        package.register(app)
    social.register(app, settings)
    mail.register(app, settings)
    cli.register(app)
    couriers: list[background.Courier] = [built.password_resets, built.logout_notices, mail.MailCourier(settings)]
    couriers += [social.FarewellCourier(settings), built.batches]
    direct.configure(app, settings)
    documents = published.configure(app, settings, lambda: built.keys.changes)
    lessons = [
        built.clients.browser_origins,
        built.agreement.tell,
        documents.learn,
        built.usage.write_now_and_then,
    ]
    background.configure(app, couriers, _chores(settings, built), lessons)
    proxies.configure(app, settings)
    layers.configure(app, measured, settings, security.headers_of_every_response(settings))
    switch.configure(app, settings)
    terms.agree(app, _terms(settings, app.config["MAX_CONTENT_LENGTH"], documents.paths, measured))
    return app


def _own_cookies(app: Flask, settings: Settings) -> list[str]:
    """The names of all cookies the portal ever sets."""
    named = ("session", "acting", "accounts", "accounts_kept", cookies.PROVIDER_BROWSER)
    of_sessions = [cookies.cookie_name(settings, of) for of in named]
    choices = [languages.COOKIE, portal.THEME_COOKIE, providers.COOKIE]
    return [
        *of_sessions,
        devices.cookie_name(settings),
        refresh_cookie.name(settings),
        app.config["SESSION_COOKIE_NAME"],
        *choices,
    ]


def _terms(settings: Settings, longest_body: int, documents: Iterable[str], measured: meters.Meters) -> terms.Terms:
    """What the server answers by itself, and which answers wait for nothing."""
    headers = tuple(security.headers_of_every_response(settings))
    prompt = {b"GET /health", b"HEAD /health", b"GET /metrics", *(f"GET {path}".encode() for path in documents)}
    rooms = (b"GET /static/", b"GET /bootstrap/")
    bodies = uploads.longer_bodies(settings)
    return terms.Terms(
        headers,
        longest_body,
        frozenset(prompt),
        rooms,
        bodies,
        outward.paths(settings.providers.names),
        pulse=measured.pulse,
        refused=functools.partial(measured.count, families.REFUSED),
    )


def _chores(settings: Settings, built: wiring.Services) -> list[background.Chore]:
    """What the portal does by itself. With PostgreSQL an operator schedules the cleaning: ``flask tokens cleanup``."""
    chores = [
        background.Chore("deletions", 600, built.deletions.run),
        background.Chore("keys", 600, built.keys.settle),
        background.Chore("usage", 600, built.statistics_over_time.note),
        background.Chore("sealing", 30, built.chain.run),
        background.Chore("checkpoints", 60, built.checkpoints.run),
        background.Chore("throwaways", 300, built.throwaways.sweep),
        background.Chore("acting", 60, built.acting.settle),
    ]
    if settings.accounts.photo_folder:
        chores.append(background.Chore("photos", 3600, built.photos.sweep))
    if settings.billing.webhook_secret:
        chores.append(background.Chore("billing", 600, built.billing.settle))
    if settings.audit.retention_days:
        chores.append(background.Chore("retention", 3600, built.retention.run))
    if settings.storage.database_url.startswith("sqlite"):
        chores.append(background.Chore("cleaning", 600, built.cleaning.run))
    if built.denylist.store:
        chores.append(background.Chore("denylist", 60, built.denylist.catch_up))
    return chores

"""Known browsers as Flask sees them: the cookie by which a person's own browser is recognised."""

from datetime import timedelta
from typing import cast

from flask import Flask, Response, g, request

from app.services.people.devices import LIFE
from app.settings import Settings
from app.web.security import caller
from app.wiring import services


def configure(app: Flask) -> None:
    """Write the cookie a request decided on."""
    app.after_request(_write_cookie)


def cookie_name(settings: Settings) -> str:
    """The cookie's name; ``__Host-`` on https binds it to this very host."""
    return "__Host-portal_device" if settings.is_https else "portal_device"


def device_token() -> str:
    """What the request's cookie holds, or ``""``."""
    token = request.cookies.get(cookie_name(services.settings), "")
    return token if 20 <= len(token) <= 100 else ""


def admit_device(user_id: str) -> None:
    """After a login: know this browser from now on; one that is new to the account is told to the person by mail."""
    g.device_cookie = services.devices.admit(user_id, device_token(), caller())


def trust_device(user_id: str) -> None:
    """Know this browser of somebody who proved the mailbox, without telling anybody."""
    g.device_cookie = services.devices.remember(user_id, device_token())


def _write_cookie(response: Response) -> Response:
    # An error answer took back what the cookie would name.
    if (token := cast("str | None", g.get("device_cookie"))) and response.status_code < 400:
        settings = services.settings
        response.set_cookie(
            cookie_name(settings),
            token,
            max_age=LIFE // timedelta(seconds=1),
            secure=settings.is_https,
            httponly=True,
            samesite="Lax",
            path="/",
        )
    return response

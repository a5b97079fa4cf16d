"""Kakao says that somebody ended the link there: it posts or gets an address, with the admin key as its proof."""

import hmac

from flask import Response, jsonify, request

from app.services.foundation.environment import Caller
from app.wiring import services

SCHEME = "KakaoAK "
KAKAO = Caller(actor="kakao")
LONGEST_ID = 64


def unlinked() -> tuple[Response, int]:
    """End that link and the sessions that came of it; the same answer however often it is said."""
    given = request.headers.get("Authorization", "")
    key = given.removeprefix(SCHEME) if given.startswith(SCHEME) else ""
    if not hmac.compare_digest(
        key.encode("utf-8", "surrogatepass"), services.settings.providers.kakao_admin_key.encode()
    ):
        return jsonify(error="unauthorized"), 401
    subject = request.values.get("user_id", "")
    if not subject.isdecimal() or not subject.isascii() or len(subject) > LONGEST_ID:
        return jsonify(error="invalid_request"), 400
    services.identities.end_from_outside("kakao", subject, KAKAO)
    return jsonify(), 200

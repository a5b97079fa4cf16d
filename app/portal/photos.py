"""Photos of people, for whoever knows an address: pages of the portal, applications, their people's browsers.

An address cannot be guessed, and never shows anything else: a new photo has a new one. So an answer may be kept for
ever; once a photo is removed it is nowhere but where it was kept.
"""

import re

from flask import Blueprint, Response, request

from app.database import only_reads
from app.errors import NotFound
from app.services.foundation.pictures import SIZES
from app.web.cookies import YEAR
from app.web.reach import reach_protocol
from app.web.security import sender
from app.wiring import services

LIMIT = "1200/minute"
"""Per sender: a page may show a hundred people, and many may sit behind one address."""
ID = re.compile(r"[A-Za-z0-9_-]{32}")
bp = Blueprint("photos", __name__)
reach_protocol(bp)


@bp.get("/photos/<string(length=32):photo_id>/<int:size>.jpg")
def photo(photo_id: str, size: int) -> Response:
    """One size of a photo, whoever asks: no cookie is looked at."""
    only_reads()
    services.rate_limits.hit("photo_request", LIMIT, sender(), must_count=False)
    is_one = size in SIZES and ID.fullmatch(photo_id)
    content = services.photos.content(photo_id, size) if is_one else None
    if content is None:
        raise NotFound
    response = Response(content, mimetype="image/jpeg")
    response.set_etag(f"{photo_id}-{size}")
    response.headers.update(
        {
            "Cache-Control": f"public, max-age={YEAR}, immutable",
            "Content-Disposition": 'inline; filename="photo.jpg"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Robots-Tag": "noindex",
        }
    )
    response.make_conditional(request)
    return response

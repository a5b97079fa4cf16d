"""Photos of people: judged, kept, served, removed. The row is the truth; files in a folder follow it."""

import secrets
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Photo, User
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import lock_person
from app.services.foundation.pictures import SIZES, own_path, path_of
from app.services.foundation.rate_limits import RateLimiter
from app.services.photos.folder import Folder
from app.services.photos.studio import Sizes, Studio
from app.services.record.audit import Audit, Event

LIMIT = "20/hour"
"""Uploads of one person, good ones and others."""
STRAY_SECONDS = 3600.0
BATCH = 200
_photo = cast(sa.Table, Photo.__table__)
_user = cast(sa.Table, User.__table__)
_COLUMNS = dict(zip(SIZES, (_photo.c.small, _photo.c.medium, _photo.c.large), strict=True))


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo that was made of what a person sent, and is nobody's yet."""

    id: str
    sizes: Sizes


class Photos:
    """Keeps one photo of each person, in the database or in a folder."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        rate_limits: RateLimiter,
        studio: Studio,
        folder: Folder | None,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.rate_limits = rate_limits
        self.studio = studio
        self.folder = folder

    def prepare(self, user_id: str, data: bytes) -> NewPhoto:
        """Make a photo of what a person sent; nothing of the person's changes before :meth:`put`.

        Raises :class:`InvalidInput` (``field="photo"``), :class:`TooManyAttempts`, :class:`Unavailable`. May take
        seconds, so what was written before is committed: no transaction is open meanwhile.
        """
        self.db.commit()
        self.rate_limits.hit("photo", LIMIT, user_id)
        new = NewPhoto(secrets.token_hex(16), self.studio.make(data))
        if self.folder:
            self.folder.write(new.id, new.sizes)
        return new

    def put(self, user_id: str, new: NewPhoto, caller: Caller) -> None:
        """Make it the person's, in place of the one there is. Raises :class:`NotFound`."""
        kept = self._locked(user_id)
        former = self._taken(user_id)
        covers = former.covers if former else (None if own_path(kept) else kept)
        sizes = (None, None, None) if self.folder else (new.sizes.small, new.sizes.medium, new.sizes.large)
        self.db.session.execute(
            sa.insert(_photo).values(
                id=new.id,
                user_id=user_id,
                **dict(zip(("small", "medium", "large"), sizes, strict=True)),
                covers=covers,
                created_at=self.clock(),
            )
        )
        self._show(user_id, path_of(new.id))
        self.audit.record(Event.PHOTO_CHANGED, caller, user_id=user_id)

    def remove(self, user_id: str, caller: Caller) -> bool:
        """Take the person's photo away; answers whether there was one.

        The picture of another host that it covered counts again. Raises :class:`NotFound`.
        """
        self._locked(user_id)
        former = self._taken(user_id)
        if former is None:
            return False
        self._show(user_id, former.covers)
        self.audit.record(Event.PHOTO_REMOVED, caller, user_id=user_id)
        return True

    def drop(self, user_id: str) -> None:
        """Take the photo away of somebody who is deleted, or has another picture from now on."""
        self._taken(user_id)

    def content(self, photo_id: str, size: int) -> bytes | None:
        """The JPEG of a photo in one of :data:`SIZES`, if there is such a photo."""
        query = sa.select(_COLUMNS[size].label("content")).where(_photo.c.id == photo_id)
        row = self.db.session.execute(query).first()
        if row is None:
            return None
        if row.content is None:
            return self.folder.read(photo_id, size) if self.folder else None
        return bytes(row.content)

    def sweep(self) -> int:
        """Remove files that belong to no photo, as a crash or a failed commit leaves them; answers how many."""
        if self.folder is None or not self.folder.path.is_dir():
            return 0
        count, files = 0, self.folder.older_than(STRAY_SECONDS)
        while batch := list(islice(files, BATCH)):
            known = self._known({photo_id for photo_id, _ in batch if photo_id})
            strays = [path for photo_id, path in batch if photo_id not in known]
            for path in strays:
                path.unlink(missing_ok=True)
            count += len(strays)
        return count

    def _known(self, ids: set[str]) -> set[str]:
        found = set(self.db.session.scalars(sa.select(_photo.c.id).where(_photo.c.id.in_(ids))))
        self.db.rollback()
        return found

    def _locked(self, user_id: str) -> str | None:
        """What is kept as the person's picture, which nobody else changes before this transaction is over."""
        if lock_person(self.db, user_id) is None:
            raise NotFound
        return cast("str | None", self.db.session.scalar(sa.select(_user.c.avatar_url).where(_user.c.id == user_id)))

    def _taken(self, user_id: str) -> Any:
        """The row of the person's photo, which is gone then, and its files once that is committed."""
        query = sa.select(_photo.c.id, _photo.c.covers).where(_photo.c.user_id == user_id)
        row = self.db.session.execute(query).first()
        if row is None:
            return None
        self.db.session.execute(sa.delete(_photo).where(_photo.c.id == row.id))
        if folder := self.folder:
            self.db.afterwards(lambda: folder.remove(row.id))
        return row

    def _show(self, user_id: str, kept: str | None) -> None:
        change = sa.update(_user).where(_user.c.id == user_id).values(avatar_url=kept, updated_at=self.clock())
        self.db.session.execute(change)

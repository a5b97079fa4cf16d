"""A folder of photos: files under names that cannot be guessed, each there as a whole or not at all."""

import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.errors import Unavailable
from app.services.foundation.pictures import SIZES
from app.services.photos.studio import Sizes

NAME = re.compile(r"([0-9a-f]{32})-\d+\.jpg|\.new-.+")
logger = logging.getLogger("portal.photos")


class Folder:
    """Keeps photos by their ids in one directory, which all nodes of a portal share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, photo_id: str, sizes: Sizes) -> None:
        """Keep a photo; raises :class:`Unavailable` where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for size, content in zip(SIZES, (sizes.small, sizes.medium, sizes.large), strict=True):
                self._write_one(self._file(photo_id, size), content)
        except OSError as error:
            logger.exception("photo_not_written")
            raise Unavailable from error

    def read(self, photo_id: str, size: int) -> bytes | None:
        """One size of a photo, if it is there."""
        try:
            return self._file(photo_id, size).read_bytes()
        except OSError as error:
            logger.warning("photo_not_read", extra={"reason": error.strerror})
            return None

    def remove(self, photo_id: str) -> None:
        """Take a photo away; what cannot be taken away now is a stray, and goes with those."""
        for size in SIZES:
            try:
                self._file(photo_id, size).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("photo_not_removed", extra={"reason": error.strerror})

    def older_than(self, seconds: float) -> Iterator[tuple[str, Path]]:
        """Files that are older, each with the id of its photo, which is empty for one that was never finished."""
        before = time.time() - seconds
        with os.scandir(self.path) as entries:
            for entry in entries:
                found = NAME.fullmatch(entry.name)
                with suppress(FileNotFoundError):  # another node removed it in this moment
                    if found and entry.stat(follow_symlinks=False).st_mtime < before:
                        yield found[1] or "", Path(entry.path)

    def _file(self, photo_id: str, size: int) -> Path:
        return self.path / f"{photo_id}-{size}.jpg"

    def _write_one(self, path: Path, content: bytes) -> None:
        """Whoever looks sees nothing or all of it, also after a power failure."""
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self.path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

"""PhotosRoom: the pictures people upload."""

from functools import cached_property
from pathlib import Path

from app.services.photos.folder import Folder
from app.services.photos.photos import Photos
from app.services.photos.studio import Studio
from app.wiring.grants import GrantsRoom


class PhotosRoom(GrantsRoom):
    """Builds the services of :mod:`app.services.photos`."""

    @cached_property
    def photos(self) -> Photos:
        accounts = self.settings.accounts
        folder = Folder(Path(accounts.photo_folder)) if accounts.photo_folder else None
        studio = Studio(accounts.photo_bytes)
        return Photos(self.db, self.clock, self.audit, self.rate_limits, studio, folder)

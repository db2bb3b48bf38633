"""Opens the media store that the settings name: a folder, or object storage with a folder as its cache."""

from __future__ import annotations

from pathlib import Path

from services.base.settings_file import shared_setting
from services.media.store import MediaStore

DEFAULT_CACHE_BYTES = 20 << 30


def open_store(root: Path) -> MediaStore:
    """The store over `root`. Raises what `MediaStore` raises, and for object storage InvalidInputError.

    The settings are read here, because engines open the store too and know its folder alone.
    """
    if not (url := shared_setting("object_storage")):
        return MediaStore(root)
    from services.media.storage.cache_limit import CacheLimit  # obstore is loaded where it is used
    from services.media.storage.object_storage import ObjectStorage
    from services.media.storage.shared_store import SharedMediaStore

    limit_bytes = int(shared_setting("media_cache_bytes") or DEFAULT_CACHE_BYTES)
    return SharedMediaStore(root, ObjectStorage(url), CacheLimit(root, limit_bytes))

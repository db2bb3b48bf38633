"""The libraries: what comes with Vigent and what users add. Everything here blocks; call it in a thread."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from gateway.library.assets import ASSET_TYPES, LONGEST_NAME, Asset, Description, Footage, Kind, StyleDescription
from gateway.library.bundled import BundledFile, bundled_files
from gateway.library.details import Inspector
from gateway.library.index import Index
from gateway.settings import GatewaySettings
from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from services.media.formats import Format, sniff
from services.media.store import MediaStore, StoredFile, recipe_key

_MEDIA: dict[Kind, tuple[str, ...]] = {
    "footage": ("video", "image"),
    "voices": ("audio",),
    "music": ("audio",),
    "fonts": ("font",),
    "styles": ("json",),
}
_TURNS_WRITING = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Bidirectional controls (Unicode Standard Annex 9): "gpj.exe" could be shown as "exe.jpg"."""
_SHA256 = re.compile("[0-9a-f]{64}")
_FACTS_VERSION = 2  # raise it when entries of bundled files must be made again


class Library:
    """Entries of every kind, by id."""

    def __init__(self, settings: GatewaySettings, store: MediaStore) -> None:
        self._settings, self._store = settings, store
        self._inspector = Inspector(settings, store)
        self._indexes = {kind: Index(store.documents, kind, asset_type) for kind, asset_type in ASSET_TYPES.items()}
        self._bundled: dict[Kind, dict[str, tuple[Asset, Path]]] = {}

    def entries(self, kind: Kind) -> list[Asset]:
        """Bundled entries, then the users' own, newest first."""
        return [asset for asset, _ in self._bundled_entries(kind).values()] + self._indexes[kind].entries()[::-1]

    def find(self, kind: Kind, asset_id: str) -> Asset:
        """The entry. Raises NotFoundError."""
        for asset in self.entries(kind):
            if asset.id == asset_id:
                return asset
        raise NotFoundError(
            f"The {kind} library has no entry with the id {asset_id[:80]!r}.",
            f"GET /api/v1/{kind} lists the ids.",
            "id",
        )

    def file(self, kind: Kind, sha256: str) -> tuple[Path, str]:
        """Where the file with this content lies, and its media type. Raises NotFoundError."""
        for asset, path in self._bundled_entries(kind).values():
            if f"/{sha256}." in asset.url:
                return path, asset.mime_type
        return self._store.path(sha256), self.find(kind, sha256).mime_type

    def matching(self, kind: Kind, given: str) -> list[Asset]:
        """The entry with this id, else all with this name, in whatever language and case."""
        entries, name = self.entries(kind), folded(given)
        by_id = [asset for asset in entries if asset.id == given]
        return by_id or [asset for asset in entries if name in map(folded, (asset.name, *asset.names.values()))]

    def stored(self, asset: Asset) -> StoredFile:
        """The file of an entry in the media store, put there if need be."""
        for bundled in self._bundled.values():
            if asset.id in bundled:
                return self._store.put_file(bundled[asset.id][1], asset.mime_type)
        return StoredFile(asset.id, asset.size_bytes, asset.mime_type)

    def inspected(self, kind: Kind, path: Path, description: Description) -> Asset:
        """An entry like one of `add`, for a file of this machine; the file stays as it is, the entry is not listed.

        Raises InvalidInputError (field "file") as `add` does, and OSError.
        """
        sniff(path, *_MEDIA[kind])  # before anything is copied
        with self._store.temporary() as copy:
            shutil.copyfile(path, copy)
            sha256, said = _sha256_of(copy), description.model_dump_json(exclude={"given_time"})
            key = recipe_key("inspected", kind, sha256, said, _FACTS_VERSION)
            look = partial(self._measured, kind, copy, description, sha256=sha256, name=path.stem)
            asset = self._remembered(kind, key, look)
            self._store.adopt(copy, asset.mime_type)
        return asset

    def poster(self, sha256: str) -> Path:
        """The poster with this name. Raises NotFoundError when no footage has it."""
        if self._has_poster(sha256):
            return self._store.path(sha256)
        raise NotFoundError(f"There is no poster {sha256[:80]!r}.", "GET /api/v1/footage lists them.")

    def add(self, kind: Kind, path: Path, file_name: str, description: Description) -> tuple[Asset, bool]:
        """Looks at the file, moves it into the store and lists it; True when its content was there already.

        Raises InvalidInputError for a file that cannot be used. The same content again updates its description,
        unless it comes with Vigent.
        """
        if "/" in file_name or "\\" in file_name or "\0" in file_name:
            raise InvalidInputError(
                f"{file_name[:80]!r} is a path, not a file name.", "Send the name alone.", "file", "PATH_IN_NAME"
            )
        name = entry_name(kind, file_name, description)
        found = sniff(path, *_MEDIA[kind])
        details = self._inspector.details(kind, path, description)
        told = {"licence": description.licence, "source": description.source}
        told = {key: value for key, value in told.items() if value}
        stored = self._store.adopt(path, found.mime_type)
        if stored.sha256 in self._bundled_entries(kind):
            return self._bundled_entries(kind)[stored.sha256][0], True
        existed = any(asset.id == stored.sha256 for asset in self._indexes[kind].entries())
        asset = _entry(kind, stored, found, {**details, **told, "name": name, "create_time": datetime.now(UTC)})
        self._indexes[kind].put(asset)
        return asset, existed

    def remove(self, kind: Kind, asset_id: str, *, keep_file: bool = False) -> None:
        """Forgets a user's entry, and its files unless another entry has the same or they are to be kept.

        Raises NotFoundError, and FailedPreconditionError for bundled entries.
        """
        asset = self.find(kind, asset_id)
        if asset.bundled:
            problem = f"{asset.name} comes with Vigent and cannot be deleted."
            raise FailedPreconditionError(problem, "Only uploads can be deleted.", "id", "BUNDLED")
        self._indexes[kind].remove(asset_id)
        shared = any(other.id == asset_id for other_kind in ASSET_TYPES for other in self.entries(other_kind))
        if not keep_file and not shared:
            self._store.discard(asset_id)
        if isinstance(asset, Footage) and not self._has_poster(asset.poster):
            self._store.discard(asset.poster)

    def decode_speech(self, path: Path, target: Path) -> float:
        """Writes the sound of any recording as 16 kHz mono int16 PCM; returns seconds. Raises InvalidInputError."""
        sniff(path, "audio")
        return self._inspector.speech(path, target)

    def _has_poster(self, sha256: str) -> bool:
        return any(isinstance(asset, Footage) and asset.poster == sha256 for asset in self.entries("footage"))

    def _bundled_entries(self, kind: Kind) -> dict[str, tuple[Asset, Path]]:
        if kind not in self._bundled:
            found = [
                (self._bundled_entry(kind, file), file.path) for file in bundled_files(self._settings.assets_root, kind)
            ]
            self._bundled[kind] = {asset.id: (asset, path) for asset, path in found}
            self._keep_bundled(kind)
        return self._bundled[kind]

    def _keep_bundled(self, kind: Kind) -> None:
        """Names what was made of bundled files in a document, so that it is not removed as needed by nobody."""
        assets = [asset for asset, _ in self._bundled[kind].values()]
        keys = [_bundled_key(kind, match[0]) for asset in assets if (match := _SHA256.search(asset.url))]
        posters = [asset.poster for asset in assets if isinstance(asset, Footage)]
        named = json.dumps([*keys, *posters])
        if self._store.documents.read(f"bundled-{kind}") != named:
            self._store.documents.edit(f"bundled-{kind}", lambda _: named)

    def _bundled_entry(self, kind: Kind, file: BundledFile) -> Asset:
        sha256 = _sha256_of(file.path)
        description = StyleDescription(role=file.facts["role"]) if kind == "styles" else Description()
        look = partial(self._measured, kind, file.path, description, sha256=sha256, name=file.name, bundled=True)
        details = self._remembered(kind, _bundled_key(kind, sha256), look)
        return details.model_copy(update=_manifest_fields(kind, file))

    def _remembered(self, kind: Kind, key: str, look: Callable[[], Asset]) -> Asset:
        if (known := self._store.recall(key)) is not None:
            return ASSET_TYPES[kind].model_validate_json(self._store.path(known.sha256).read_bytes())
        asset = look()
        self._store.remember(key, self._store.put_bytes(asset.model_dump_json().encode(), "application/json"))
        return asset

    def _measured(self, kind: Kind, path: Path, description: Description, *, sha256: str, **members: object) -> Asset:
        found = sniff(path, *_MEDIA[kind])
        details = self._inspector.details(kind, path, description)
        stored = StoredFile(sha256, path.stat().st_size, found.mime_type)
        return _entry(kind, stored, found, {**details, **members})


def _bundled_key(kind: Kind, sha256: str) -> str:
    return recipe_key("bundled", kind, sha256, _FACTS_VERSION)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry_name(kind: Kind, file_name: str, description: Description) -> str:
    """The name under which an upload is listed. Raises InvalidInputError as `checked_name`."""
    return checked_name(description.name or Path(file_name).stem[:LONGEST_NAME] or kind)


def checked_name(name: str) -> str:
    """A name as it may be listed, without what would turn the writing of the text around it.

    Raises InvalidInputError for one that could be taken for a path, or is unreadable.
    """
    name = name.translate(_TURNS_WRITING)
    if any(unicodedata.category(character) in {"Cc", "Cs"} or character in "/\\" for character in name):
        raise InvalidInputError(
            f"{name[:80]!r} is not a name.", "Leave out slashes and control characters.", "name", "UNUSABLE_NAME"
        )
    return name


def folded(name: str) -> str:
    """As names are compared: file names of macOS have accents as characters of their own, what is typed has not."""
    return unicodedata.normalize("NFC", name).casefold()


def _entry(kind: Kind, stored: StoredFile, found: Format, members: dict[str, Any]) -> Asset:
    asset_type = ASSET_TYPES[kind]
    if kind == "fonts":
        members.setdefault("font_id", stored.sha256)
    return asset_type(
        id=stored.sha256,
        mime_type=stored.mime_type,
        size_bytes=stored.size_bytes,
        url=f"/assets/{kind}/{stored.sha256}{found.suffix}",
        **{key: value for key, value in members.items() if key in asset_type.model_fields},
    )


def _manifest_fields(kind: Kind, file: BundledFile) -> dict[str, Any]:
    """What the manifest says, which overrides what was measured."""
    fields: dict[str, Any] = {"name": file.name, "names": file.names, "licence": file.licence, "source": file.source}
    if kind == "fonts":
        fields |= {key: file.facts[key] for key in ("family", "weight", "scripts") if key in file.facts}
        fields["font_id"] = file.facts.get("id", "")
    if kind == "styles":
        fields["id"] = file.facts["id"]
    return fields

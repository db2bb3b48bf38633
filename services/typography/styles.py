"""Styles of captions, titles and labels: read from assets/styles, checked against its schema, defaults filled."""

from __future__ import annotations

import copy
import json
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from services.base.errors import InvalidInputError, NotFoundError
from services.media.store import MediaStore
from services.typography.fonts import ASSETS, find_font, is_content_hash

if TYPE_CHECKING:
    import jsonschema

StyleKind = Literal["subtitle", "title", "label"]
Area = Literal["safe", "caption", "title"]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge."""

DEFAULT_STYLES: dict[StyleKind, str] = {"subtitle": "classic", "title": "headline", "label": "plain"}
LARGEST_STYLE_BYTES = 64 * 1024
_FIELDS: dict[StyleKind, str] = {"subtitle": "spec.caption_style", "title": "spec.title_style", "label": "label"}


def list_styles(kind: StyleKind) -> list[str]:
    """Ids of the styles of a kind, in alphabetical order."""
    return sorted(path.stem for path in (ASSETS / "styles" / kind).glob("*.json"))


def load_style(kind: StyleKind, style_id: str = "", store: MediaStore | None = None) -> dict[str, Any]:
    """A style with defaults filled; "" is the default of its kind, a content hash is an upload in `store`.

    Raises NotFoundError (STYLE_NOT_FOUND) for an unknown id, and what `check_style` raises for a bad file.
    """
    style_id = style_id or DEFAULT_STYLES[kind]
    if store is not None and is_content_hash(style_id):
        return _uploaded_style(store, style_id, _FIELDS[kind])
    if style_id not in list_styles(kind):
        problem, known = f"There is no {kind} style {style_id[:80]!r}.", ", ".join(list_styles(kind))
        raise NotFoundError(problem, f"Use one of: {known}.", _FIELDS[kind], "STYLE_NOT_FOUND")
    path = ASSETS / "styles" / kind / f"{style_id}.json"
    return parse_style(path.read_text(encoding="utf-8"), f"assets/styles/{kind}/{path.name}")


def _uploaded_style(store: MediaStore, sha256: str, field: str) -> dict[str, Any]:
    try:
        path = store.path(sha256)
    except NotFoundError:
        problem = f"There is no uploaded style {sha256}."
        raise NotFoundError(problem, "Upload it again.", field, "STYLE_NOT_FOUND") from None
    return read_style(path, field)


def read_style(path: Path, field: str) -> dict[str, Any]:
    """A style from an untrusted file. Raises InvalidInputError for `field`, like `parse_style`."""
    if path.stat().st_size > LARGEST_STYLE_BYTES:
        raise InvalidInputError("The style is larger than 64 KiB.", "Send one style.", field, "FILE_TOO_LARGE")
    try:
        return parse_style(path.read_text(encoding="utf-8-sig"), field)
    except UnicodeDecodeError:
        raise InvalidInputError("The style is not UTF-8 text.", "Save it as UTF-8.", field, "STYLE_INVALID") from None


def parse_style(text: str, field: str) -> dict[str, Any]:
    """A style from JSON. Raises InvalidInputError for `field`, naming the key, when it is not a style."""
    try:
        return check_style(json.loads(text, parse_float=_finite, parse_constant=_finite), field)
    except json.JSONDecodeError as error:
        problem = f"The style is not JSON: {error.msg} in line {error.lineno}."
        raise InvalidInputError(problem, "Correct it.", field, "STYLE_INVALID") from None
    except (RecursionError, ValueError):  # thousands of brackets, or of digits
        problem = "The style is nested too deeply, or has a number with too many digits or none (NaN, Infinity)."
        raise InvalidInputError(problem, "Correct it.", field, "STYLE_INVALID") from None


def _finite(number: str) -> float:
    """Raises ValueError for 1e999, and for what Python reads in JSON although it is no JSON: NaN, Infinity."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def check_style(style: object, field: str) -> dict[str, Any]:
    """A copy of `style` with defaults filled.

    Raises InvalidInputError (STYLE_INVALID) for `field`.key when it breaks the schema, FONT_NOT_FOUND for an unknown
    font.
    """
    errors = sorted(_validator().iter_errors(style), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        key = ".".join([field, *map(str, errors[0].absolute_path)])
        remedy = "See assets/styles/schema.json for what a style may say."
        raise InvalidInputError(f"{errors[0].message[:200]}.", remedy, key, "STYLE_INVALID")
    filled = _filled(style, _schema())
    assert isinstance(filled, dict)
    try:
        find_font(filled["font"]["id"], filled["font"]["weight"])
    except InvalidInputError as error:
        raise InvalidInputError(error.problem, error.remedy, f"{field}.font", error.reason) from None
    return filled


def _filled(value: object, schema: dict[str, Any]) -> object:
    schema = _resolved(schema)
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    filled = dict(value)
    for key, inner in schema["properties"].items():
        if key not in filled and "default" in inner:
            filled[key] = copy.deepcopy(inner["default"])
        if key in filled:
            filled[key] = _filled(filled[key], inner)
    return filled


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return _schema()["$defs"][name] if name else schema


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ASSETS / "styles" / "schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def _validator() -> jsonschema.Draft202012Validator:
    import jsonschema  # where a style is read, not wherever one is named

    return jsonschema.Draft202012Validator(_schema())


@cache
def _safe_areas() -> dict[str, Any]:
    areas: dict[str, Any] = json.loads((ASSETS / "styles" / "safe_areas.json").read_text(encoding="utf-8"))
    return areas


def list_platforms() -> list[str]:
    """Platforms whose safe areas are known; the first is "default"."""
    return list(_safe_areas()["platforms"])


def safe_area(area: Area, width: int, height: int, platform: str = "default") -> Box:
    """Edges of an area of safe_areas.json in pixels of a width x height canvas.

    Canvases wider than high have the areas of "landscape": no app lays buttons over those.
    Raises InvalidInputError (PLATFORM_UNKNOWN) for the field "platform".
    """
    areas = _safe_areas()
    if platform not in areas["platforms"]:
        problem = f"There are no safe areas for the platform {platform!r}."
        raise InvalidInputError(problem, f"Use one of: {', '.join(list_platforms())}.", "platform", "PLATFORM_UNKNOWN")
    left, top, right, bottom = (areas["landscape"] if width > height else areas["platforms"][platform])[area]
    x_scale, y_scale = width / areas["canvas"][0], height / areas["canvas"][1]
    return left * x_scale, top * y_scale, right * x_scale, bottom * y_scale


def safe_area_shares(area: Area, width: int, height: int, platform: str = "default") -> Box:
    """Edges of an area as shares of the canvas, see `safe_area`."""
    left, top, right, bottom = safe_area(area, width, height, platform)
    return left / width, top / height, right / width, bottom / height


def displayed(text: str, style: dict[str, Any]) -> str:
    """`text` as the style shows it; offsets stay, so a letter whose capital is two letters keeps its case."""
    if not style["uppercase"]:
        return text
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)

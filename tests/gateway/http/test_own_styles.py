"""A film in the user's own caption style and font, uploaded over HTTP."""

import io
import json
from itertools import groupby
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from orchestrator.client import JobClient
from services.base.errors import InvalidInputError
from services.media.store import MediaStore
from tests.gateway.conftest import client_of
from tests.support.film_jobs import events, submitted
from tests.support.films import HEIGHT, WIDTH, face_picture, spec_of
from tests.support.fonts import WEIGHT, block_font

SIZE = 0.09  # of the shorter side
TEXT = "Hello you."


def style_of(font_id: str, **members: object) -> str:
    names = {"en": "Blocks", "zh": "方块"}
    font = {"id": font_id, "weight": WEIGHT}
    box = {"mode": "block", "color": "#000000"}  # keeps the photograph's own white apart
    return json.dumps({"version": 1, "names": names, "font": font, "size": SIZE, "box": box, **members})


def uploaded(client: httpx.Client, kind: str, content: bytes | str, **fields: str) -> dict:
    response = client.post(f"/api/v1/{kind}", files={"file": ("file", content)}, data=fields)
    assert response.status_code in {200, 201}, response.text
    return response.json()


@pytest.fixture(scope="module")
def own(film_gateway) -> dict[str, str]:
    """Ids of the footage, the font, and a style of captions and one of titles in that font."""
    with client_of(film_gateway) as client:
        font = uploaded(client, "fonts", block_font())["id"]
        return {
            "footage": uploaded(client, "footage", face_picture())["id"],
            "font": font,
            "captions": uploaded(client, "styles", style_of(font), role="subtitle")["id"],
            "title": uploaded(client, "styles", style_of(font, position={"area": "title"}), role="title")["id"],
        }


def test_a_film_has_the_uploaded_font(films, own, tmp_path):
    job = submitted(films, own["footage"], TEXT, caption_style=own["captions"], ai_label=False)
    assert list(events(films, job["id"]))[-1]["name"] == "end"
    done = films.get(f"/api/v1/jobs/{job['id']}").json()
    assert done["state"] == "done", done["error"]
    luma = middle_frame(films.get(done["outputs"]["film.mp4"]["url"]).content, tmp_path)
    assert (luma.shape[0], luma.shape[1]) == (HEIGHT, WIDTH)
    blocks = blocks_of(luma)
    font_px = SIZE * WIDTH
    assert len(blocks) == len("Helloyou")
    assert all(abs(block - 0.4 * font_px) <= 2 for block in blocks), blocks
    assert "Blocks" in films.get(done["outputs"]["captions.ass"]["url"]).text


def middle_frame(film: bytes, folder: Path) -> np.ndarray:
    """The luma of the frame in the middle; also kept as a picture, for people."""
    with av.open(io.BytesIO(film)) as container:
        frames = list(container.decode(video=0))
    frame = frames[len(frames) // 2]
    frame.to_image().save(folder / "own-font.png")
    return frame.to_ndarray(format="gray")


def blocks_of(luma: np.ndarray) -> list[int]:
    """Widths in pixels of the white blocks in the row that has most white, in the middle of the picture."""
    white = luma[:, WIDTH // 4 : -WIDTH // 4] > 225  # the photograph has white of its own at its edges
    row = white[white.sum(axis=1).argmax()]
    return [len(list(run)) for is_white, run in groupby(row) if is_white]


def test_what_a_job_uses_is_not_deleted(films, own):
    script = "".join(f"Sentence number {number} of many. " for number in range(30))
    job = submitted(films, own["footage"], script, caption_style=own["captions"], title_style=own["title"], title="Hi")
    for kind, name in (("fonts", "font"), ("styles", "captions"), ("styles", "title")):
        refused = films.delete(f"/api/v1/{kind}/{own[name]}")
        assert refused.status_code == 409, refused.text
        assert refused.json()["reason"] == "IN_USE"
    assert films.post(f"/api/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"script": "你好。", "caption_style": "captions"}, "GLYPH_MISSING", "spec.script"),
        ({"title": "你好", "title_style": "title"}, "GLYPH_MISSING", "spec.title"),
        ({"title_style": "captions"}, "WRONG_STYLE_ROLE", "title_style"),
        ({"caption_style": "0" * 64}, "UNKNOWN_CAPTION_STYLE", "caption_style"),
        ({"caption_style": "font"}, "UNKNOWN_CAPTION_STYLE", "caption_style"),
        ({"platform": "myspace"}, "PLATFORM_UNKNOWN", "spec.platform"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(films, own, fields, reason, field):
    fields = {name: own.get(value, value) for name, value in fields.items()}
    request = {"script": TEXT, "footage": own["footage"], "width": WIDTH, "height": HEIGHT, **fields}
    response = films.post("/api/v1/jobs", json=request)
    assert (response.status_code, response.json()["reason"]) == (422, reason), response.text
    assert response.json()["field"] in {field, field.removeprefix("spec.")}


@pytest.mark.parametrize(
    ("style", "reason", "field"),
    [
        (style_of("0" * 64), "FONT_NOT_FOUND", "file.font"),
        (style_of("footage"), "FONT_UNREADABLE", "file.font"),
        (style_of("font").replace(f'"weight": {WEIGHT}', '"weight": 700'), "FONT_NOT_FOUND", "file.font"),
        (style_of("font", outline={"width": 9}), "STYLE_INVALID", "file.outline.width"),
    ],
)
def test_styles_of_fonts_that_will_not_do_are_refused(films, own, style, reason, field):
    for name in ("footage", "font"):
        style = style.replace(f'"{name}", "weight', f'"{own[name]}", "weight')
    response = films.post("/api/v1/styles", files={"file": ("s.json", style)}, data={"role": "subtitle"})
    assert (response.status_code, response.json()["reason"]) == (422, reason), response.text
    assert response.json()["field"] == field


def test_a_font_that_a_style_names_is_kept_until_the_style_is_deleted(films):
    font = uploaded(films, "fonts", block_font("Kept"))["id"]
    style = uploaded(films, "styles", style_of(font), role="title", name="My look")["id"]
    refused = films.delete(f"/api/v1/fonts/{font}")
    assert (refused.status_code, refused.json()["reason"]) == (409, "IN_USE"), refused.text
    assert "My look" in refused.json()["problem"]
    assert films.delete(f"/api/v1/styles/{style}").status_code == 204
    assert films.delete(f"/api/v1/fonts/{font}").status_code == 204


async def test_the_font_of_a_style_that_only_a_job_has_is_kept(films, own, mesh):
    """As `vigent make --style look.json` submits it: the style is in the store, in no library."""
    font = uploaded(films, "fonts", block_font("Lent"))["id"]
    style = MediaStore(mesh.media_root).put_bytes(style_of(font).encode()).sha256
    script = "".join(f"Sentence number {number} of many. " for number in range(30))
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, script, caption_style=style))).job
        refused = films.delete(f"/api/v1/fonts/{font}")
        assert (refused.status_code, refused.json()["reason"]) == (409, "IN_USE"), refused.text
        assert job.id in refused.json()["problem"]
        await client.cancel(job.id)
        assert films.delete(f"/api/v1/fonts/{font}").status_code == 204
        with pytest.raises(InvalidInputError, match=font) as caught:  # from now on it is missed, by its name
            await client.submit(spec_of(mesh, TEXT, caption_style=style))
    assert caught.value.reason == "FONT_NOT_FOUND"

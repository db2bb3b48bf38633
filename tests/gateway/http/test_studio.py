"""The studio's page, and what it asks for while a film is being written."""

import io
import itertools
import re

import av
import numpy as np
import pytest
from PIL import Image

from tests.support.film_jobs import SCRIPT, SIZE, TITLE

PAGES = ("/", "/works", "/works/job-1", "/library", "/library/music", "/mesh")
THREE = "One, two, three."  # one caption


@pytest.mark.parametrize("path", PAGES)
def test_the_page_runs_nothing_but_its_own_files(http, path):
    page = http.get(path)
    assert page.status_code == 200
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert page.headers["permissions-policy"] == "camera=(), geolocation=(), microphone=(self)"
    assert all(set(sources.split()) <= {"'self'", "blob:", "'none'"} for sources in policy.values())
    assert policy["script-src"] == policy["style-src"] == policy["font-src"] == "'self'"
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|https?://", page.text)


def test_hashed_files_are_kept_and_the_page_is_asked_for_again(http):
    page = http.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert http.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    files = re.findall(r'(?:src|href)="(/studio/[^"]+)"', page.text)
    assert {file.rpartition(".")[2] for file in files} == {"js", "css"}
    for file in files:
        response = http.get(file)
        assert response.status_code == 200, file
        assert "immutable" in response.headers["cache-control"]
    assert http.get("/studio/none.js").status_code == 404
    assert http.get("/favicon.svg").headers["content-type"].startswith("image/svg+xml")


def test_foreign_hosts_get_no_page(http):
    assert http.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_a_script_is_told_with_the_languages_of_the_voice(http):
    told = http.post("/api/v1/script", json={"script": "你好，world 3.5%。"}).json()
    assert [sentence["reading"] for sentence in told["sentences"]] == ["你好，world 百分之三点五。"]
    assert told["sentences"][0]["warnings"] == []
    assert http.post("/api/v1/script", json={"script": ""}).json()["field"] == "script"
    unknown = http.post("/api/v1/script", json={"script": "Hello.", "voice": "nobody", "caption_style": "none"})
    assert unknown.status_code == 200  # who submits the film is told


def test_a_sample_is_the_film_but_for_the_mouth(films, film, footage):
    sample = picture(films, footage)
    assert sample.shape == (SIZE["height"], SIZE["width"], 3)
    with av.open(io.BytesIO(films.get(film["outputs"]["film.mp4"]["url"]).content)) as container:
        made = next(frame for number, frame in enumerate(container.decode(video=0)) if number == 30)
    different = np.abs(sample.astype(int) - made.to_ndarray(format="rgb24")).max(axis=2) > 60
    rows = np.flatnonzero(different.mean(axis=1) > 0.02)
    assert different.mean() < 0.01, "the same but for the mouth, and for what encoding blurs"
    assert len(rows) < SIZE["height"] / 4


def test_a_sample_follows_the_choice_of_style(films, footage):
    plain = picture(films, footage)
    boxed = picture(films, footage, caption_style="box")
    bare = picture(films, footage, captions="files_only", title="", ai_label=False)
    assert np.abs(plain.astype(int) - boxed).max() > 100
    assert np.abs(plain.astype(int) - bare).max() > 100


def test_what_no_film_can_be_made_of_gives_no_sample(films, footage):
    response = films.post("/api/v1/sample", json={"script": "你好。", "footage": footage, "caption_style": "nothing"})
    assert (response.status_code, response.json()["field"]) == (422, "caption_style")


def picture(films, footage: str, **fields) -> np.ndarray:
    body = {"script": SCRIPT, "title": TITLE, "footage": footage, **SIZE, **fields}
    response = films.post("/api/v1/sample", json=body)
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def test_a_moving_sample_lights_its_words_in_turn(films, footage):
    """At the frame of the still sample it is the same picture, and what is lit differs from second to second."""
    pictures = moving(films, footage, caption_style="karaoke", ai_label=False)
    assert 60 <= len(pictures) <= 125
    said = {"script": THREE, "caption_style": "karaoke", "title": "", "ai_label": False}
    still = picture(films, footage, **said)
    assert np.abs(pictures[30].astype(int) - still).mean() < 3
    lit = [yellow(picture) for picture in pictures[5:-10:10]]
    steps = [after - before for before, after in itertools.pairwise(lit)]
    assert min(steps) > -10, "karaoke keeps a word lit once it was spoken"
    assert sum(step > 20 for step in steps) >= 2


def test_a_style_is_tried_before_it_is_kept(films, footage):
    style = films.get("/api/v1/styles").json()["items"][0]["style"]
    assert style["version"] == 1
    red = {**style, "size": 0.12, "fill": {"color": "#FF0000"}}
    count = len(films.get("/api/v1/styles").json()["items"])
    drawn = picture(films, footage, drafts={"subtitle": red})
    assert np.abs(drawn.astype(int) - picture(films, footage)).max() > 100
    assert len(films.get("/api/v1/styles").json()["items"]) == count
    body = {"script": SCRIPT, "footage": footage, **SIZE, "drafts": {"subtitle": {**red, "size": 9}}}
    response = films.post("/api/v1/sample", json=body)
    assert (response.status_code, response.json()["field"]) == (422, "drafts.subtitle.size")


def moving(films, footage: str, **fields) -> list[np.ndarray]:
    body = {"script": THREE, "footage": footage, **SIZE, **fields}
    response = films.post("/api/v1/sample?moving=true", json=body)
    assert (response.status_code, response.headers["content-type"]) == (200, "video/mp4"), response.text
    with av.open(io.BytesIO(response.content)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def yellow(rgb: np.ndarray) -> int:
    """Pixels in the colour of words that are lit."""
    red, green, blue = (rgb[..., channel].astype(int) for channel in range(3))
    return int(((red > 200) & (green > 160) & (blue < 120)).sum())


def test_footage_is_looked_at_before_a_film_is_made(films, footage):
    told = films.post("/api/v1/preflight", json={"script": "Hello.", "footage": footage, **SIZE}).json()
    assert (told["width"], told["height"]) == (SIZE["width"], SIZE["height"])
    assert told["frames_without_face"] == 0
    face, mouth = told["face"], told["mouth"]
    assert 0 <= face["left"] < mouth["left"] < mouth["left"] + mouth["width"] < face["left"] + face["width"] <= 1
    assert 0 <= face["top"] < mouth["top"] < 1
    assert 0 <= told["turned_degrees"] < 35  # from there on it is told as a problem
    assert 45 < told["face_luma"] < 245

"""What a real browser makes of an output that is opened by its own address."""

from pathlib import Path

import pytest

from gateway.http.files import safety
from tests.support.browser import Browser, run_browser
from tests.support.cases import FOOTAGE, MUSIC, PICTURES
from tests.support.commands import until


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Browser:
    with run_browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.mark.parametrize("name", ["film.mp4", "preview"])
def test_a_film_plays_by_its_address(browser, film_gateway, film, name):
    browser.open(f"http://{film_gateway.address}/api/v1/jobs/{film['id']}/{name}")
    assert until(lambda: browser.value("document.querySelector('video').duration > 1"))
    player = "document.querySelector('video')"
    browser.value(f"{player}.muted = true, {player}.play()")
    assert until(lambda: browser.value(f"{player}.currentTime > 0.2"))
    assert browser.value(f"{player}.videoWidth") == 270
    assert browser.value(f"{player}.error") is None


def test_a_cover_is_shown_by_its_address(browser, film_gateway, film):
    browser.open(f"http://{film_gateway.address}/api/v1/jobs/{film['id']}/cover.jpg")
    assert until(lambda: browser.value("document.images[0].naturalWidth") == 270)


UPLOADS = {
    "mp4": ("footage", FOOTAGE["junk behind an mp4"].make, "video"),
    "webm": ("footage", FOOTAGE["webm"].make, "video"),
    "wav": ("music", MUSIC["wav info in gbk"].make, "video"),  # a page's player of sound is one for pictures, too
    "mp3": ("music", MUSIC["zeros before an mp3"].make, "video"),
    "flac": ("music", MUSIC["gbk title of flac"].make, "video"),
    "jpeg": ("footage", lambda folder: written(folder / "a.jpg", PICTURES["jpeg with a comment in gbk"]), "img"),
    "png": ("footage", lambda folder: written(folder / "a.png", PICTURES["png with text in gbk"]), "img"),
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_is_shown_by_its_address(browser, films, film_gateway, tmp_path, name):
    kind, make, element = UPLOADS[name]
    entry = films.post(f"/api/v1/{kind}", files={"file": (f"a.{name}", make(tmp_path).read_bytes())}).json()
    browser.open(f"http://{film_gateway.address}{entry['url']}")
    seen = "naturalWidth" if element == "img" else "duration"
    assert until(lambda: browser.value(f"document.querySelector('{element}').{seen} > 1"))


@pytest.mark.parametrize(("name", "word"), [("captions.vtt", "WEBVTT"), ("report.json", "{"), ("words.json", "{")])
def test_words_are_shown_by_their_address(browser, film_gateway, film, name, word):
    browser.open(f"http://{film_gateway.address}/api/v1/jobs/{film['id']}/{name}")
    assert until(lambda: word in browser.value("document.body.innerText"))


@pytest.mark.parametrize(
    "media_type", ["text/html", "image/svg+xml", "application/xhtml+xml", "application/octet-stream", "text/xml", ""]
)
def test_what_could_be_a_page_stays_in_its_sandbox(media_type):
    headers = safety(media_type)
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"

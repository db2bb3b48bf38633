"""What a real browser makes of an output that is opened by its own address."""

import pytest

from gateway.http.files import safety
from tests.support.browser import Browser, run_browser
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


@pytest.mark.parametrize(("name", "word"), [("captions.vtt", "WEBVTT"), ("report.json", "{")])
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

"""The writing menu and the connectors in the studio: a real browser, endpoints of the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import PATIENT
from tests.support.browser import Browser, run_browser
from tests.support.chat import WORDS, Chat, run_chat
from tests.support.commands import until
from tests.support.mesh import Mesh, Server, run_server
from tests.support.platforms import Platforms, run_platforms

PATIENCE_S = 100.0
PAGE = """
window.button = (name) => [...document.querySelectorAll("button, summary, .segment")]
    .find((each) => (each.getAttribute("aria-label") || each.textContent).trim() === name);
window.fill = (selector, text) => {
    const field = document.querySelector(selector);
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
};
"""


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    with run_chat() as chat:
        yield chat


@pytest.fixture(scope="module")
def platforms() -> Iterator[Platforms]:
    with run_platforms() as platforms:
        yield platforms


@pytest.fixture(scope="module")
def studio(mesh: Mesh, chat: Chat, platforms: Platforms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        "VIGENT_GATEWAY_WRITER_URL": chat.url,
        "VIGENT_GATEWAY_WRITER_MODEL": "small-writer",
        "VIGENT_GATEWAY_YOUTUBE_CLIENT_ID": "the-client",
        "VIGENT_GATEWAY_YOUTUBE_CLIENT_SECRET": "the-client-secret",
        "VIGENT_GATEWAY_CONNECTORS_BASE_URL": platforms.url,
        "VIGENT_GATEWAY_CONNECTORS_ROOT": str(tmp_path_factory.mktemp("connectors")),
        "VIGENT_GATEWAY_CONNECTORS_PAUSE_S": "0.1",
        "NO_PROXY": "*",
        **{f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()},
        **PATIENT,
    }
    with run_server("gateway", mesh.data, environment) as server:
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with run_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def opened(browser: Browser, server: Server, path: str) -> None:
    browser.open(f"http://{server.address}{path}")
    browser.value(PAGE)


def press(browser: Browser, name: str) -> None:
    assert until(lambda: browser.value(f"!!button({json.dumps(name)})"), PATIENCE_S), name
    browser.value(f"button({json.dumps(name)}).click()")


def fill(browser: Browser, selector: str, text: str) -> None:
    assert until(lambda: browser.value(f"!!document.querySelector({json.dumps(selector)})"), PATIENCE_S), selector
    browser.value(f"fill({json.dumps(selector)}, {json.dumps(text)})")


def script(browser: Browser) -> str:
    return browser.value("document.querySelector('.editor-text').value")


def begin(browser: Browser, studio: Server) -> None:
    """A script, and the menu open at rewriting it."""
    opened(browser, studio, "/")
    fill(browser, ".editor-text", "Before.")
    press(browser, "Write with a language model")
    press(browser, "Rewrite")


def test_the_model_writes_into_the_editor_and_can_be_undone(browser: Browser, studio: Server, chat: Chat) -> None:
    chat.how = "written"
    begin(browser, studio)
    fill(browser, ".writing input[type=number]", "30")
    press(browser, "Write")
    assert until(lambda: script(browser) == "".join(WORDS), PATIENCE_S), script(browser)
    assert chat.asked[-1]["messages"][1]["content"] == "Before."
    assert "30 seconds" in chat.asked[-1]["messages"][0]["content"]
    press(browser, "Undo")
    assert until(lambda: script(browser) == "Before.", PATIENCE_S)


def test_what_breaks_off_says_so_and_can_be_undone(browser: Browser, studio: Server, chat: Chat) -> None:
    chat.how = "cut"
    begin(browser, studio)
    press(browser, "Write")
    assert until(lambda: browser.value("!!document.querySelector('.writing [role=alert]')"), PATIENCE_S)
    assert script(browser) == WORDS[0]
    press(browser, "Undo")
    assert until(lambda: script(browser) == "Before.", PATIENCE_S)


def test_stopping_ends_the_models_work(browser: Browser, studio: Server, chat: Chat) -> None:
    chat.how = "silent"
    chat.go_on.clear()
    chat.left.clear()
    begin(browser, studio)
    press(browser, "Write")
    assert until(lambda: script(browser) == WORDS[0], PATIENCE_S)
    press(browser, "Stop")
    press(browser, "Undo")
    assert until(lambda: script(browser) == "Before.", PATIENCE_S)
    chat.how = "trickle"
    press(browser, "Write")
    assert until(lambda: script(browser) != "Before.", PATIENCE_S)
    browser.open("about:blank")  # who leaves the page ends it too
    assert chat.left.wait(PATIENCE_S)


def test_without_settings_there_is_neither(browser: Browser, film_gateway: Server, film: dict) -> None:
    opened(browser, film_gateway, "/")
    assert until(lambda: browser.value("!!document.querySelector('.editor-text')"), PATIENCE_S)
    assert (
        browser.value("fetch('/api/v1/writing').then((answer) => answer.json()).then((told) => told.tasks.length)") == 0
    )
    assert browser.value("document.querySelector('.writing')") is None
    opened(browser, film_gateway, f"/publish/{film['id']}")
    assert until(lambda: browser.value("!!document.querySelector('.platform')"), PATIENCE_S)
    assert browser.value("document.querySelector('.connector')") is None


def test_an_account_is_connected_and_a_film_posted(
    browser: Browser, studio: Server, platforms: Platforms, film: dict, tmp_path: Path
) -> None:
    opened(browser, studio, f"/publish/{film['id']}")
    press(browser, "Connect YouTube")
    assert until(lambda: browser.value("location.search") == "?connect=youtube", PATIENCE_S)
    opened(browser, studio, f"/publish/{film['id']}")
    fill(browser, ".texts input", "By hand")
    press(browser, "Post to YouTube")
    assert until(
        lambda: browser.value("document.querySelector('.delivery strong')?.textContent") == "Arrived", PATIENCE_S
    )
    assert browser.value("document.querySelector('.delivery a').href").startswith("https://youtu.be/video-")
    assert platforms.films[-1].told["snippet"]["title"] == "By hand"
    press(browser, "Disconnect YouTube")
    assert until(lambda: browser.value("!!button('Connect YouTube')"), PATIENCE_S)

"""Posting to platforms over HTTP: a real gateway over a real mesh, platforms of the tests, and a browser's way back."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.conftest import PATIENT, client_of
from tests.support.browser import Browser, run_browser
from tests.support.commands import TIMEOUT_S, until
from tests.support.mesh import Mesh, Server, run_server
from tests.support.platforms import Platforms, run_platforms

SECRET = "the-client-secret"
ENDED = {"done", "failed", "cancelled"}


@pytest.fixture(scope="module")
def platforms() -> Iterator[Platforms]:
    with run_platforms() as platforms:
        yield platforms


@pytest.fixture(scope="module")
def posting(mesh: Mesh, platforms: Platforms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway over the mesh that knows both platforms."""
    environment = {
        "VIGENT_GATEWAY_YOUTUBE_CLIENT_ID": "the-client",
        "VIGENT_GATEWAY_YOUTUBE_CLIENT_SECRET": SECRET,
        "VIGENT_GATEWAY_TIKTOK_CLIENT_KEY": "the-client",
        "VIGENT_GATEWAY_TIKTOK_CLIENT_SECRET": SECRET,
        "VIGENT_GATEWAY_CONNECTORS_BASE_URL": platforms.url,
        "VIGENT_GATEWAY_CONNECTORS_ROOT": str(tmp_path_factory.mktemp("connectors")),
        "VIGENT_GATEWAY_CONNECTORS_PAUSE_S": "0.1",
        "VIGENT_GATEWAY_LOG_LEVEL": "DEBUG",
        "NO_PROXY": "*",
        **{f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()},
        **PATIENT,
    }
    with run_server("gateway", mesh.data, environment) as server:
        yield server


@pytest.fixture
def http(posting: Server) -> Iterator[httpx.Client]:
    with client_of(posting) as client:
        yield client


def connect(http: httpx.Client, platform: str) -> httpx.Response:
    """As a browser does: to the platform, which leads back."""
    url = http.post(f"/api/v1/connectors/{platform}/sign-in").json()["url"]
    back = httpx.get(url, timeout=TIMEOUT_S, trust_env=False).headers["location"]
    assert back.startswith(str(http.base_url.join(f"/connect/{platform}?")))
    return http.get(back)


def delivery(http: httpx.Client, job_id: str, delivery_id: str) -> dict:
    items = http.get(f"/api/v1/jobs/{job_id}/deliveries").json()["items"]
    return next(item for item in items if item["id"] == delivery_id)


def test_without_settings_there_are_none(films: httpx.Client, film: dict) -> None:
    assert films.get("/api/v1/connectors").json() == {"items": []}
    assert films.get(f"/api/v1/jobs/{film['id']}/deliveries").json() == {"items": []}
    asked = {"platform": "youtube"}
    refused = films.post(f"/api/v1/jobs/{film['id']}/deliveries", json=asked)
    assert (refused.status_code, refused.json()["reason"]) == (404, "NO_CONNECTOR")
    assert films.post("/api/v1/connectors/youtube/sign-in").json()["reason"] == "NO_CONNECTOR"


def test_an_account_is_connected_in_the_browser_and_disconnected(http: httpx.Client) -> None:
    items = {item["platform"]: item for item in http.get("/api/v1/connectors").json()["items"]}
    assert (items["youtube"]["connected"], items["tiktok"]["capabilities"]["result"]) == (False, "draft")
    assert connect(http, "youtube").headers["location"] == "/publish?connect=youtube"
    assert http.get("/connect/youtube", params={"error": "access_denied"}).headers["location"].endswith("refused")
    made_up = http.get("/connect/youtube", params={"state": "x", "code": "y"})
    assert (made_up.status_code, made_up.headers["location"]) == (303, "/publish?connect=failed")
    assert http.delete("/api/v1/connectors/youtube").status_code == 204
    assert not any(item["connected"] for item in http.get("/api/v1/connectors").json()["items"])


def test_what_breaks_a_rule_or_has_no_account_is_not_sent(http: httpx.Client, film: dict) -> None:
    place = f"/api/v1/jobs/{film['id']}/deliveries"
    assert http.post(place, json={"platform": "youtube"}).json()["reason"] == "NOT_CONNECTED"
    connect(http, "youtube")
    http.put(f"/api/v1/jobs/{film['id']}/publication", json={"texts": {"title": "a <title>"}})
    refused = http.post(place, json={"platform": "youtube"})
    assert (refused.json()["reason"], refused.json()["field"]) == ("BREAKS_RULE", "characters")
    http.put(f"/api/v1/jobs/{film['id']}/publication", json={"texts": {"title": "A title", "tags": ["tests"]}})
    assert http.post(place, json={"platform": "douyin"}).json()["reason"] == "NO_CONNECTOR"
    wrong = http.post(place, json={"platform": "youtube", "publish_at": "2099-01-01T00:00", "time_zone": "Mars"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "time_zone")


def test_a_gateway_that_is_killed_goes_on_with_what_it_was_sending(
    posting: Server, http: httpx.Client, platforms: Platforms, film: dict, mesh: Mesh
) -> None:
    connect(http, "youtube")
    http.put(f"/api/v1/jobs/{film['id']}/publication", json={"texts": {"title": "A title"}})
    platforms.hold = threading.Event()
    place, key = f"/api/v1/jobs/{film['id']}/deliveries", {"Idempotency-Key": "delivered once"}
    asked = {"platform": "youtube", "visibility": "public"}
    sent = http.post(place, json=asked, headers=key)
    assert sent.status_code == 202, sent.text
    assert platforms.held.wait(100)
    posting.kill()
    platforms.hold.set()
    posting.start()
    sent_id = sent.json()["id"]
    assert until(lambda: delivery(http, film["id"], sent_id)["state"] == "done", 100)
    assert http.post(place, json=asked, headers=key).json()["id"] == sent_id
    (arrived,) = platforms.films
    assert hashlib.sha256(arrived.content).hexdigest() == film["outputs"]["film.mp4"]["sha256"]
    assert arrived.told["snippet"]["title"] == "A title"
    posts = http.get(f"/api/v1/jobs/{film['id']}/publication").json()["posts"]
    assert [post["url"] for post in posts] == ["https://youtu.be/video-0"]
    refused = http.post(f"/api/v1/deliveries/{sent_id}/cancel")
    assert (refused.status_code, refused.json()["reason"]) == (409, "NOT_ON_ITS_WAY")
    said = Path(mesh.data / "gateway.log").read_text(encoding="utf-8") + http.get(place).text
    assert not [word for word in (SECRET, "of-the-platform", "/session/", "code-") if word in said]


def test_what_is_not_due_waits_can_be_cancelled_and_keeps_its_time(http: httpx.Client, film: dict) -> None:
    place = f"/api/v1/jobs/{film['id']}/deliveries"
    connect(http, "tiktok")
    refused = http.post(place, json={"platform": "tiktok"}).json()
    assert (refused["reason"], refused["field"]) == ("BREAKS_RULE", "sides")  # the films of the tests are small
    asked = {"platform": "youtube", "publish_at": "2099-01-01T12:00", "time_zone": "Asia/Shanghai"}
    sent = http.post(place, json=asked).json()
    assert (sent["state"], sent["due"]) == ("waiting", "2099-01-01T04:00:00Z")  # private: YouTube would make it public
    assert http.post(f"/api/v1/deliveries/{sent['id']}/cancel").json()["state"] == "cancelled"
    retried = http.post(f"/api/v1/deliveries/{sent['id']}/retry")
    assert (retried.status_code, retried.json()["due"]) == (202, sent["due"])
    assert http.post(f"/api/v1/deliveries/{sent['id']}/cancel").json()["state"] == "cancelled"
    now = http.post(place, json={"platform": "youtube"}).json()
    assert until(lambda: delivery(http, film["id"], now["id"])["state"] == "done", 100)
    assert http.post("/api/v1/deliveries/nothing/cancel").status_code == 404


def test_what_the_maker_declares_in_the_studio_is_what_youtube_is_told(
    posting: Server, http: httpx.Client, platforms: Platforms, film: dict, tmp_path: Path
) -> None:
    connect(http, "youtube")
    http.put(f"/api/v1/jobs/{film['id']}/publication", json={"texts": {"title": "A title"}})
    with run_browser(tmp_path) as browser:
        browser.open(f"http://{posting.address}/publish/{film['id']}")
        assert until(lambda: browser.value(SWITCH) is not None, 100)
        declared = [post_from(browser, http, platforms, film), post_from(browser, http, platforms, film, turn=True)]
        declared.append(post_from(browser, http, platforms, film, turn=True))
    assert declared == [("true", True), ("false", False), ("true", True)]


FORM = "[...document.querySelectorAll('.connector-form')].find((form) => form.innerText.includes('Post to YouTube'))"
SWITCH = f"{FORM}?.querySelector('[role=switch]').ariaChecked"


def post_from(
    browser: Browser, http: httpx.Client, platforms: Platforms, film: dict, *, turn: bool = False
) -> tuple[str, bool]:
    """What the switch showed when the film was posted, after it was turned, and what reached the platform."""
    before = len(platforms.films)
    shown = browser.value(SWITCH)
    if turn:
        browser.value(f"{FORM}.querySelector('[role=switch]').click()")
        assert until(lambda: browser.value(SWITCH) != shown)
    shown = browser.value(SWITCH)
    browser.value(f"{FORM}.querySelector('[type=submit]').click()")
    assert until(lambda: len(platforms.films) > before, 100)
    place = f"/api/v1/jobs/{film['id']}/deliveries"
    assert until(lambda: all(item["state"] in ENDED for item in http.get(place).json()["items"]), 100)
    return shown, platforms.films[-1].told["status"]["containsSyntheticMedia"]

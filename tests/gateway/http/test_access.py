"""Who may do what: every route by every scope, keys that change while the gateway runs, and browsers that sign in."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from gateway.access.keys import KeyFile
from gateway.access.rules import RULES, SCOPES, Need
from gateway.http.admission import Admission
from gateway.http.app import create_app
from gateway.http.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from tests.gateway.conftest import NOBODY, client_of
from tests.support.browser import run_browser
from tests.support.commands import until
from tests.support.keys import bearer, made
from tests.support.mesh import ROOT, Server, run_server

STUDIO = "a-token-of-vigent-up"
WRONG = "vigent_00000000_wrong"
FILLED = {"job_id": "job-x", "output": "film.mp4", "kind": "footage", "name": "x", "path": "x", "asset_id": "x"} | {
    "platform": "douyin",
    "post_id": "x",
    "other_id": "job-y",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    """A key for each scope."""
    return {scope: made(folder / "keys.json", scope, [scope]) for scope in SCOPES}


@pytest.fixture(scope="module")
def guarded(folder: Path, keys: dict[str, str]) -> Iterator[Server]:
    """A gateway that asks everybody for a key; no service is behind it."""
    environment = {
        "VIGENT_GATEWAY_LOOPBACK_IS_OPEN": "false",
        "VIGENT_GATEWAY_KEYS_FILE": str(folder / "keys.json"),
        "VIGENT_GATEWAY_STUDIO_TOKEN": STUDIO,
        **{f"VIGENT_GATEWAY_{name}": NOBODY for name in ("ORCHESTRATOR", "TTS", "LIPSYNC", "ASR", "OVERLAY")},
    }
    with run_server("gateway", folder, environment) as server:
        yield server


@pytest.fixture
def stranger(guarded: Server) -> Iterator[httpx.Client]:
    with client_of(guarded) as client:
        yield client


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: FILLED.get(found[1], "tts"), path)


def routes() -> dict[str, set[str]]:
    """Verbs by path of everything that the application answers; HEAD is as GET."""
    metrics = GatewayMetrics()
    app = create_app(GatewaySettings.load("gateway"), metrics, Admission(8, metrics), asyncio.Event())
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        path = f"{route.path}/{{path:path}}" if isinstance(route.original_route, Mount) else str(route.path)
        found.setdefault(path, set()).update({"GET" if verb == "HEAD" else verb for verb in route.methods or {"GET"}})
    return found


def test_no_route_is_without_a_rule_and_no_rule_without_a_route() -> None:
    assert routes() == {path: set(needs) for path, needs in RULES.items()}


@pytest.mark.fault("no key, wrong key, quota used up", promised="401 without a valid key, 403 for what it may not do.")
@pytest.mark.parametrize(
    ("path", "verb", "need"), [(path, verb, need) for path, needs in RULES.items() for verb, need in needs.items()]
)
def test_every_route_asks_for_its_scope(
    stranger: httpx.Client, keys: dict[str, str], path: str, verb: str, need: Need
) -> None:
    def refused(headers: dict[str, str]) -> int:
        """The status of a refusal, else 0: the page to sign in at answers a wrong key in its own way."""
        response = stranger.request(verb, filled(path), headers=headers)
        asked = response.headers["content-type"] == "application/problem+json" if response.content else False
        return response.status_code if asked and response.status_code in {401, 403} else 0

    assert {refused({}), refused(bearer(WRONG))} == ({0} if need == "nothing" else {401})
    allowed = set(SCOPES) if need in {"nothing", "a key"} else {need, "admin"}
    statuses = {scope: refused(bearer(key)) for scope, key in keys.items()}
    assert statuses == {scope: 0 if scope in allowed else 403 for scope in SCOPES}


def test_what_is_refused_is_not_read(guarded: Server) -> None:
    """The answer comes although the body never does."""
    host, _, port = guarded.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"POST /api/v1/footage HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_a_refusal_says_what_to_do(stranger: httpx.Client, keys: dict[str, str]) -> None:
    response = stranger.get("/api/v1/jobs")
    assert (response.json()["reason"], response.headers["www-authenticate"][:6]) == ("UNAUTHENTICATED", "Bearer")
    assert "vigent keys add" in response.json()["remedy"]
    response = stranger.delete("/api/v1/jobs/job-x", headers=bearer(keys["read"]))
    assert (response.json()["reason"], "'make'" in response.json()["problem"]) == ("PERMISSION_DENIED", True)


def test_what_is_nowhere_is_told_to_who_has_a_key(stranger: httpx.Client, keys: dict[str, str]) -> None:
    assert stranger.get("/nowhere").status_code == 401
    assert stranger.get("/nowhere", headers=bearer(keys["read"])).status_code == 404
    assert stranger.put("/api/v1/jobs", headers=bearer(keys["read"])).status_code == 405


def test_readiness_names_no_address_to_strangers(stranger: httpx.Client, keys: dict[str, str]) -> None:
    assert stranger.get("/readyz").json()["replicas"] == []
    assert stranger.get("/readyz", headers=bearer(keys["read"])).json()["replicas"]


def test_a_key_ends_and_is_replaced_while_the_gateway_runs(stranger: httpx.Client, folder: Path) -> None:
    file = KeyFile(folder / "keys.json")
    first = made(file.path, "phone", ["read"])

    def works(key: str) -> bool:
        return stranger.get("/api/v1/footage", headers=bearer(key)).status_code == 200

    assert until(lambda: works(first))
    second = file.rotate("phone", timedelta(days=1)).text
    assert until(lambda: works(second))
    assert works(first)
    third = file.rotate("phone", timedelta(0)).text
    assert until(lambda: works(third))
    assert not works(first)
    assert not works(second)
    file.remove("phone")
    assert until(lambda: not works(third))


def test_no_secret_is_kept(folder: Path, keys: dict[str, str]) -> None:
    kept = (folder / "keys.json").read_text(encoding="utf-8")
    assert not [key for key in keys.values() if key.split("_", 2)[2] in kept]
    assert (folder / "keys.json").stat().st_mode & 0o077 == 0


def test_keys_are_listed_without_what_could_be_used(stranger: httpx.Client, keys: dict[str, str]) -> None:
    told = stranger.get("/api/v1/keys", headers=bearer(keys["admin"]))
    assert set(SCOPES) <= {key["name"] for key in told.json()["keys"]}
    assert "sha256" not in told.text


@pytest.mark.fault("no key, wrong key, quota used up")
def test_who_asks_too_often_is_told_when_to_come_again(stranger: httpx.Client, folder: Path) -> None:
    key = made(folder / "keys.json", "busy", ["read"], requests_per_minute=2)
    assert until(lambda: stranger.get("/v1/models", headers=bearer(key)).status_code == 200)
    answers = [stranger.get("/v1/models", headers=bearer(key)) for _ in range(3)]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["reason"]) == (429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["retry-after"]) <= 60


# Browsers


def sign_in(client: httpx.Client, key: str, **headers: str) -> httpx.Response:
    return client.post("/sign-in", data={"key": key}, headers=headers)


def own_page(client: httpx.Client) -> dict[str, str]:
    return {"Origin": f"http://{client.base_url.netloc.decode()}"}


def test_a_page_leads_to_where_a_key_can_be_given_and_back(stranger: httpx.Client, keys: dict[str, str]) -> None:
    page = stranger.get("/works", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/works")
    signed_in = stranger.post(page.headers["location"], data={"key": keys["read"]})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/works")
    assert stranger.get("/works").status_code == 200
    assert stranger.get("/api/v1/footage").status_code == 200


def test_a_sessions_cookie_is_for_this_gateways_pages_alone(stranger: httpx.Client, keys: dict[str, str]) -> None:
    plain = sign_in(stranger, keys["read"]).headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= set(re.split("; *", plain))
    assert "secure" not in plain
    behind_tls = sign_in(stranger, keys["read"], **{"X-Forwarded-Proto": "https"}).headers["set-cookie"].lower()
    assert "secure" in re.split("; *", behind_tls)


def test_a_session_changes_nothing_for_another_page(stranger: httpx.Client, keys: dict[str, str]) -> None:
    sign_in(stranger, keys["make"])
    statuses = {
        name: stranger.post("/api/v1/jobs/job-x/cancel", headers=headers).status_code
        for name, headers in {
            "none": {},
            "foreign": {"Origin": "https://evil.example"},
            "cross": {"Sec-Fetch-Site": "cross-site"},
            "own": own_page(stranger),
        }.items()
    }
    assert statuses == {"none": 403, "foreign": 403, "cross": 403, "own": 503}


def test_signing_out_ends_the_session(stranger: httpx.Client, keys: dict[str, str]) -> None:
    sign_in(stranger, keys["read"])
    cookie = {"Cookie": f"vigent_session={stranger.cookies['vigent_session']}"}
    assert "Sign out" in stranger.get("/sign-in").text
    assert stranger.post("/sign-out", headers=own_page(stranger)).status_code == 303
    assert stranger.get("/api/v1/footage", headers=cookie).status_code == 401


def test_a_session_ends_with_its_key(stranger: httpx.Client, folder: Path) -> None:
    key = made(folder / "keys.json", "laptop", ["read"])
    assert until(lambda: sign_in(stranger, key).status_code == 303)
    assert stranger.get("/api/v1/footage").status_code == 200
    KeyFile(folder / "keys.json").remove("laptop")
    assert until(lambda: stranger.get("/api/v1/footage").status_code == 401)


def test_the_token_of_vigent_up_signs_in_by_its_address(stranger: httpx.Client, keys: dict[str, str]) -> None:
    for wrong in ("x", keys["admin"]):  # a key in an address would stay in the browser's history
        assert stranger.get("/sign-in", params={"token": wrong}).status_code == 401
    signed_in = stranger.get("/sign-in", params={"token": STUDIO})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    assert stranger.get("/api/v1/keys").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/a b", ""])
def test_signing_in_leads_nowhere_else(stranger: httpx.Client, keys: dict[str, str], elsewhere: str) -> None:
    signed_in = stranger.post("/sign-in", params={"next": elsewhere}, data={"key": keys["read"]})
    assert signed_in.headers["location"] == "/"


@pytest.mark.parametrize(
    ("language", "words"), [("zh-CN,zh;q=0.9", "登录"), ("de,en;q=0.5", "Sign in"), ("", "Sign in")]
)
def test_the_page_speaks_the_browsers_language(stranger: httpx.Client, language: str, words: str) -> None:
    page = stranger.get("/sign-in", headers={"Accept-Language": language})
    assert words in page.text
    wrong = stranger.post("/sign-in", params={"lang": "zh"}, data={"key": "x"})
    assert (wrong.status_code, "没有这个密钥" in wrong.text) == (401, True)
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    font = re.search(r'url\("([^"]+)"\)', page.text)
    assert font is not None  # for machines without Chinese ones, and for people without a key
    assert stranger.get(font[1]).headers["content-type"] == "font/otf"


def test_a_browser_signs_in_and_is_led_back_when_its_key_ends(
    guarded: Server, stranger: httpx.Client, folder: Path, tmp_path: Path
) -> None:
    key = made(folder / "keys.json", "browser", ["read", "make"])
    assert until(lambda: stranger.get("/api/v1/footage", headers=bearer(key)).status_code == 200)
    with run_browser(tmp_path) as browser:
        browser.open(f"http://{guarded.address}/works")
        assert browser.value("location.pathname") == "/sign-in"
        browser.value(f"document.querySelector('#key').value = {key!r}, document.querySelector('form').submit()")
        assert until(lambda: browser.value("location.pathname + !!document.querySelector('nav')") == "/workstrue")
        KeyFile(folder / "keys.json").remove("browser")
        assert until(lambda: browser.value("location.pathname") == "/sign-in", 120.0)


# The machine's own user


def test_the_user_of_the_machine_needs_no_key(http: httpx.Client) -> None:
    assert http.get("/api/v1/keys").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_behind_a_proxy_everybody_needs_one(http: httpx.Client, header: str) -> None:
    assert http.get("/api/v1/footage", headers={header: "127.0.0.1"}).status_code == 401


def test_what_other_pages_embed_is_refused(http: httpx.Client) -> None:
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "video"}
    assert http.get("/api/v1/footage", headers=embedded).json()["reason"] == "FOREIGN_ORIGIN"
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert http.get("/works", headers=followed).status_code == 200


def test_other_machines_are_not_let_in_without_a_key(tmp_path: Path) -> None:
    environment = {
        "PATH": "",
        "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen",
        "VIGENT_GATEWAY_HOST": "0.0.0.0",
        "VIGENT_MEDIA_ROOT": str(tmp_path / "media"),
    }
    command = [sys.executable, "-m", "gateway"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert (ended.returncode, "vigent keys add" in ended.stderr, "Traceback" in ended.stderr) == (2, True, False)

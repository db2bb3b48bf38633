"""The writing door: a real gateway at a chat endpoint of the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.writing.prompts import TASKS, WritingRequest, messages
from services.base.errors import FailedPreconditionError
from services.text.sentences import MAX_SCRIPT_CHARACTERS
from tests.gateway.conftest import NOBODY, client_of
from tests.support.chat import WORDS, Chat, run_chat
from tests.support.commands import TIMEOUT_S, until, vigent
from tests.support.mesh import ROOT, Server, run_server

KEY = "sk-a-secret-of-the-operator"
PROMPTS = ROOT / "assets" / "writer" / "prompts.toml"
ASKED = {"task": "draft", "text": "Why servers hang"}


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    with run_chat() as chat:
        yield chat


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("writing")


@pytest.fixture(scope="module")
def writing_gateway(chat: Chat, folder: Path) -> Iterator[Server]:
    environment = {
        "VIGENT_GATEWAY_WRITER_URL": chat.url,
        "VIGENT_GATEWAY_WRITER_MODEL": "small-writer",
        "VIGENT_GATEWAY_WRITER_API_KEY": KEY,
        "VIGENT_GATEWAY_WRITER_TIMEOUT_S": "10",  # only one who says no more is to exceed it, not a busy machine
        "VIGENT_GATEWAY_WRITER_AT_ONCE": "1",
        "VIGENT_GATEWAY_LOG_LEVEL": "DEBUG",
        **{f"VIGENT_GATEWAY_{name}": NOBODY for name in ("ORCHESTRATOR", "TTS", "LIPSYNC", "ASR", "OVERLAY")},
    }
    with run_server("gateway", folder, environment) as server:
        yield server


@pytest.fixture
def writer(writing_gateway: Server, chat: Chat) -> Iterator[httpx.Client]:
    chat.status, chat.how = 200, "written"
    chat.go_on.clear()
    chat.left.clear()
    with client_of(writing_gateway) as client:
        yield client


def written(client: httpx.Client, **fields: object) -> list[tuple[str, dict]]:
    """Events by name."""
    response = client.post("/api/v1/writing", json={**ASKED, **fields})
    assert response.status_code == 200, response.text
    events = [dict(line.split(": ", 1) for line in part.splitlines()) for part in response.text.split("\n\n") if part]
    return [(event.get("event", "message"), json.loads(event["data"])) for event in events]


def test_without_settings_there_is_none(http: httpx.Client) -> None:
    assert http.get("/api/v1/writing").json() == {"tasks": [], "model": ""}
    refused = http.post("/api/v1/writing", json=ASKED)
    assert (refused.status_code, refused.json()["reason"]) == (404, "NO_WRITER")


def test_words_come_as_they_are_written(writer: httpx.Client, chat: Chat) -> None:
    assert writer.get("/api/v1/writing").json() == {"tasks": list(TASKS), "model": "small-writer"}
    told = written(writer, seconds=30, language="zh", wishes="Be kind.")
    assert told == [*(("message", {"text": word}) for word in WORDS), ("end", {})]
    asked = chat.asked[-1]
    assert (asked["model"], asked["stream"], chat.keys[-1]) == ("small-writer", True, f"Bearer {KEY}")
    system, user = asked["messages"]
    assert (user["role"], user["content"]) == ("user", ASKED["text"])
    assert all(part in system["content"] for part in ("30 seconds", "135 Chinese characters", "Be kind.", "zh"))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, (409, "WRITER_REFUSES_KEY")),
        (403, (409, "WRITER_REFUSES_KEY")),
        (404, (409, "WRITER_REFUSES")),
        (429, (429, "WRITER_BUSY")),
        (500, (503, "WRITER_AWAY")),
    ],
)
def test_what_it_refuses_is_said_before_anything_is_written(
    writer: httpx.Client, chat: Chat, status: int, told: tuple[int, str]
) -> None:
    chat.status = status
    refused = writer.post("/api/v1/writing", json=ASKED)
    assert (refused.status_code, refused.json()["reason"]) == told
    assert status != 429 or refused.headers["retry-after"] == "7"


@pytest.mark.parametrize(("how", "status"), [("nonsense", 503), ("page", 503)])
def test_nonsense_is_no_script(writer: httpx.Client, chat: Chat, how: str, status: int) -> None:
    chat.how = how
    refused = writer.post("/api/v1/writing", json=ASKED)
    assert (refused.status_code, refused.json()["reason"]) == (status, "WRITER_BROKE_OFF")


@pytest.mark.parametrize(
    ("how", "reason"), [("cut", "WRITER_BROKE_OFF"), ("length", "WRITER_BROKE_OFF"), ("silent", "WRITER_SILENT")]
)
def test_what_breaks_off_keeps_what_was_written_and_says_so(
    writer: httpx.Client, chat: Chat, how: str, reason: str
) -> None:
    chat.how = how
    told = written(writer)
    assert [name for name, _ in told] == ["message", "problem"]
    assert (told[0][1]["text"], told[1][1]["reason"]) == (WORDS[0], reason)


def test_a_writer_that_does_not_stop_is_stopped(writer: httpx.Client, chat: Chat) -> None:
    chat.how = "endless"
    *words, (last, problem) = written(writer)
    assert (last, problem["reason"]) == ("problem", "WRITER_BROKE_OFF")
    assert sum(len(told["text"]) for _, told in words) == MAX_SCRIPT_CHARACTERS


def test_one_who_leaves_ends_the_work_and_another_waits_its_turn(writer: httpx.Client, chat: Chat) -> None:
    chat.how = "trickle"
    url = writer.base_url.join("/api/v1/writing")
    with writer.stream("POST", url, json=ASKED) as response:
        parts = response.iter_raw(1)  # held: the stream ends with it
        next(parts)
        busy = httpx.post(url, json=ASKED, timeout=TIMEOUT_S, trust_env=False)
        assert (busy.status_code, busy.json()["reason"]) == (429, "TOO_MANY_WRITERS")
    assert chat.left.wait(60)
    chat.how = "written"
    assert until(lambda: writer.post("/api/v1/writing", json=ASKED).status_code == 200)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"task": "sing"}, "task"),
        ({"text": " "}, "text"),
        ({"text": "x" * (MAX_SCRIPT_CHARACTERS + 1)}, "text"),
        ({"seconds": 1}, "seconds"),
        ({"wishes": "x" * 2_001}, "wishes"),
    ],
)
def test_what_can_never_be_written_is_refused(writer: httpx.Client, fields: dict[str, object], field: str) -> None:
    refused = writer.post("/api/v1/writing", json={**ASKED, **fields})
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def test_the_key_is_told_nobody(writer: httpx.Client, chat: Chat, folder: Path) -> None:
    chat.status = 400  # the endpoint repeats it
    refused = writer.post("/api/v1/writing", json=ASKED)
    said = [refused.text, writer.get("/openapi.json").text, *(log.read_text() for log in folder.glob("*.log"))]
    assert not any(KEY in text for text in said)
    shown = vigent("doctor", cwd=folder, environment={"VIGENT_GATEWAY_WRITER_API_KEY": KEY}).stdout
    assert ("writer_api_key = (hidden)" in shown, KEY in shown) == (True, False)


def test_every_task_has_a_prompt_that_can_be_edited(tmp_path: Path) -> None:
    own = tmp_path / "prompts.toml"
    for task in TASKS:
        request = WritingRequest(task=task, text="What costs $5?", seconds=None)
        assert "$" not in messages(PROMPTS, request)[0]["content"]
        own.write_text(f'[tasks]\n{task} = "Write $length for $$5."\n[every]\nrules = "Plainly."', encoding="utf-8")
        assert messages(own, request)[0]["content"] == "Write as long as it takes for $5.\n\nPlainly."


@pytest.mark.parametrize("text", ["", "no toml [", '[tasks]\ndraft = "$nobody"\n[every]\nrules = ""', "tasks = 3"])
def test_prompts_that_cannot_be_used_name_their_file(tmp_path: Path, text: str) -> None:
    own = tmp_path / "prompts.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(FailedPreconditionError, match=r"prompts\.toml") as caught:
        messages(own, WritingRequest(task="draft", text="x"))
    assert caught.value.reason == "WRITER_PROMPTS"

"""Traces that are off, or whose collector is away or slow."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.base.tracing import spans
from services.base.tracing.spans import ENDPOINT, begin, continued, present, span
from tests.support.collector import collecting
from tests.support.mesh import ROOT, own_port, run_server

IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}
KNOBS = {"VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts"}
SMALL_QUEUE = {"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50"}
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def imported(log: str) -> set[str]:
    """Modules that a process said it has imported."""
    lines = (line for line in log.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    ("name", "settings", "has", "hidden"),
    [
        ("services.tts", KNOBS, "grpc", "opentelemetry"),
        ("orchestrator", {"VIGENT_ORCHESTRATOR_DATABASE_URL": "sqlite:///jobs.db"}, "dbos", "opentelemetry"),
        ("gateway", {"VIGENT_GATEWAY_PORT": "0"}, "fastapi", "opentelemetry.sdk"),  # FastAPI imports the interface
    ],
)
def test_off_nothing_of_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, settings: dict[str, str], has: str, hidden: str
) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    settings = {key: value.replace("///", f"///{tmp_path}/") for key, value in settings.items()}
    with run_server(name, tmp_path, settings | IMPORTS) as server:
        server.stop()
        modules = imported(server.log.read_text(encoding="utf-8"))
    assert has in modules
    assert not {module for module in modules if module.startswith(hidden)}


def test_help_imports_nothing_of_it() -> None:
    command = (sys.executable, "-X", "importtime", "-m", "gateway.cli.main", "--help")
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60).stderr
    assert "typer" in imported(said)
    assert not {module for module in imported(said) if module.startswith("opentelemetry")}


def test_off_ids_from_elsewhere_are_still_passed_on() -> None:
    with continued(PARENT), span("work", root=True):
        assert present().metadata == (("traceparent", PARENT),)
        assert present().ids == {"trace_id": "a" * 32, "span_id": "b" * 16}
        assert begin("more").traceparent == PARENT
    assert present().metadata is None


SPANS = """
import sys, time
from services.base.tracing import spans
from services.base.log import configure_logging
configure_logging("INFO", "test")
spans.start_tracing("test")
begun = time.process_time()
for number in range(int(sys.argv[1])):
    with spans.span("work", root=True, number=number):
        pass
print(time.process_time() - begun, flush=True)
spans.stop_tracing()
"""


def made_spans(count: int, **environment: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-c", SPANS, str(count))
    told = {**os.environ, "NO_PROXY": "127.0.0.1", **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=told, timeout=120)


def test_a_collector_that_is_away_loses_spans_and_nothing_else() -> None:
    away = f"http://127.0.0.1:{own_port()}"
    ended = made_spans(
        5_000, **{ENDPOINT: away, "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50"}
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stderr.splitlines()) < 5


def test_a_slow_collector_holds_nothing_up_and_the_queue_is_bounded() -> None:
    with collecting(answer_s=1.0) as collector:
        ended = made_spans(5_000, **{ENDPOINT: collector.url, **SMALL_QUEUE})
        assert ended.returncode == 0, ended.stderr
        assert 50 <= len(collector.spans) <= 300


def test_what_has_ended_is_sent_at_the_end() -> None:
    with collecting() as collector:
        assert made_spans(3, **{ENDPOINT: collector.url}).returncode == 0
        assert [kept.name for kept in collector.spans] == ["work"] * 3
        assert {kept.process for kept in collector.spans} == {"vigent-test"}


def test_another_protocol_is_said_and_nothing_is_traced() -> None:
    ended = made_spans(3, **{ENDPOINT: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert ended.returncode == 0
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in ended.stderr


def test_without_the_packages_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "protos" / "gen")])
    ended = made_spans(3, **{ENDPOINT: "http://127.0.0.1:1", "PYTHONPATH": path})
    assert ended.returncode == 0
    assert "vigent[traces]" in ended.stderr


async def test_tasks_keep_their_own_span() -> None:
    async def work(parent: str) -> str:
        with continued(parent):
            await asyncio.sleep(0)
            return present().traceparent

    other = PARENT.replace("a", "c")
    assert await asyncio.gather(work(PARENT), work(other)) == [PARENT, other]


def test_json_lines_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    from services.base.log import configure_logging

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logging("INFO", "test", "json")
        with continued(PARENT):
            try:
                raise ValueError("line\nbreak")
            except ValueError:
                logging.getLogger("some.where").exception("it %s", "failed")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said["message"] == "it failed"
    assert (said["level"], said["process"], said["logger"]) == ("ERROR", "test", "some.where")
    assert "ValueError: line" in said["exception"]
    assert said["trace_id"] == "a" * 32


def test_nothing_is_on_in_the_tests() -> None:
    assert spans._tracer is None

"""Which process computes on which GPU: a rule, and what it makes of a plan. No GPU is needed."""

import os
import stat
import sys
from pathlib import Path

import pytest

from gateway.cli import checks
from gateway.mesh.addresses import DEFAULT_DATA
from gateway.mesh.gpus import assign, available_gpus, query
from gateway.mesh.plan import MeshPlan
from gateway.mesh.settings import MeshSettings
from services.base.errors import InvalidInputError

ALL = ("tts", "lipsync", "asr")
PRODUCTION = {"VIGENT_TTS_ENGINE": "qwen3", "VIGENT_LIPSYNC_ENGINE": "latentsync", "VIGENT_ASR_ENGINE": "whisper"}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    for name in (*os.environ,):
        if name.startswith(("VIGENT_", "CUDA_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def production(monkeypatch):
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)


def nvidia_smi(folder: Path, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("users", "gpus", "replicas", "placed"),
    [
        (ALL, [], 0, {}),
        (ALL, "0", 0, {"tts": "0", "asr": "0", "lipsync": "0"}),
        (ALL, "01", 0, {"tts": "0", "asr": "0", "lipsync": "1"}),
        (ALL, "0123", 0, {"tts": "0", "asr": "0", "lipsync": "1", "lipsync-2": "2", "lipsync-3": "3"}),
        (ALL, "0123", 2, {"tts": "0", "asr": "0", "lipsync": "1", "lipsync-2": "2"}),
        (ALL, "012", 3, {"tts": "0", "asr": "0", "lipsync": "1", "lipsync-2": "2", "lipsync-3": "1"}),
        (["lipsync"], "01", 0, {"lipsync": "0", "lipsync-2": "1"}),
        (["lipsync", "asr"], "01", 0, {"asr": "0", "lipsync": "0", "lipsync-2": "1"}),
        (["tts"], "01", 0, {"tts": "0"}),
        ([], "01", 0, {}),
    ],
)
def test_the_rule(users, gpus, replicas, placed):
    assert assign(users, list(gpus), replicas) == placed


def test_each_process_sees_its_own_gpu_alone(production, monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "0, 2,5")
    plan = MeshPlan.here()
    assert plan.names == ["tts", "lipsync", "lipsync-2", "asr", "overlay", "orchestrator", "gateway"]
    told = {name: plan.environment(name, DEFAULT_DATA) for name in plan.names}
    seen = {name: environment.get("CUDA_VISIBLE_DEVICES") for name, environment in told.items()}
    assert seen == {**dict.fromkeys(plan.names), "tts": "0", "asr": "0", "lipsync": "2", "lipsync-2": "5"}
    assert told["tts"]["VIGENT_TTS_DEVICE"] == told["lipsync-2"]["VIGENT_LIPSYNC_DEVICE"] == "cuda"
    assert told["lipsync"]["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert not any(name.endswith("_DEVICE") for name in told["overlay"])
    assert plan.device("lipsync-2") == "GPU 5"
    assert plan.device("overlay") == "cpu"
    assert plan.device("gateway") == ""


def test_every_replica_is_found_by_those_who_call_it(production, monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "0,1,2,3")
    plan = MeshPlan.here()
    common = plan.environment("gateway", DEFAULT_DATA)
    servers = "127.0.0.1:8052,127.0.0.1:8062,127.0.0.1:8072"
    assert common["VIGENT_GATEWAY_LIPSYNC"] == common["VIGENT_ORCHESTRATOR_LIPSYNC"] == servers
    second = plan.environment("lipsync-2", DEFAULT_DATA)
    assert (second["VIGENT_LIPSYNC_PORT"], second["VIGENT_LIPSYNC_METRICS_PORT"]) == ("8062", "9162")
    assert plan.environment("orchestrator", DEFAULT_DATA)["VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS"] == "3"
    monkeypatch.setenv("VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS", "2")
    assert "VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS" not in plan.environment("orchestrator", DEFAULT_DATA)


def test_a_device_that_is_set_wins(production, monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "0,1,2")
    monkeypatch.setenv("VIGENT_LIPSYNC_DEVICE", "cuda:1")
    Path("vigent.toml").write_text('[tts]\ndevice = "cpu"\n', encoding="utf-8")
    plan = MeshPlan.here()
    assert plan.gpus == {"asr": "0"}
    assert "CUDA_VISIBLE_DEVICES" not in plan.environment("lipsync", DEFAULT_DATA)
    assert (plan.device("lipsync"), plan.device("tts")) == ("cuda:1", "cpu")


def test_built_in_engines_get_no_gpu(monkeypatch, tmp_path):
    nvidia_smi(tmp_path, "echo 0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    plan = MeshPlan.here()
    assert plan.gpus == {}
    assert plan.engines["tts"].engine == "espeak"
    assert "lipsync-2" not in plan.names


def test_an_engine_of_which_nobody_has_heard_gets_its_gpu(monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "0,1")
    monkeypatch.setenv("VIGENT_TTS_ENGINE", "tests.knobs.tts:KnobsTts")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    plan = MeshPlan.here()
    assert plan.gpus == {"tts": "0"}
    assert plan.engines["tts"].capabilities["languages"] == ["en", "zh"]
    assert plan.engines["tts"].abilities == "uses gpu, streams, 2 languages"


def test_the_doctor_says_what_an_engine_can_do(monkeypatch):
    monkeypatch.setenv("VIGENT_TTS_ENGINE", "tests.knobs.tts:KnobsTts")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    told = [finding.detail for finding in checks.devices()]
    assert "tts: tests.knobs.tts:KnobsTts (named in the settings; uses gpu, streams, 2 languages)" in told


def test_an_engine_that_cannot_be_imported_is_told(monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "0")
    monkeypatch.setenv("VIGENT_TTS_ENGINE", "nowhere:Engine")
    engine = MeshPlan.here().engines["tts"]
    assert "nowhere" in engine.problem
    assert not engine.uses_gpu


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print('Welcome!')\nclass Engine: pass", ""),
        ("raise OSError('libcudart.so: cannot open')", "libcudart.so"),
        ("class Engine: capabilities = 3", "odd:Engine"),
    ],
)
def test_an_engine_that_does_odd_things_hides_no_other(monkeypatch, tmp_path, code, problem):
    (tmp_path / "odd.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("VIGENT_GPUS", "0")
    monkeypatch.setenv("VIGENT_TTS_ENGINE", "odd:Engine")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    engines = MeshPlan.here().engines
    assert problem in engines["tts"].problem
    assert bool(problem) == bool(engines["tts"].problem)
    assert engines["asr"].problem == ""


def test_a_wrong_setting_of_a_server_is_told_in_its_words(monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "0")
    monkeypatch.setenv("VIGENT_LIPSYNC_SLOTS", "many")
    engines = MeshPlan.here().engines
    assert "Set VIGENT_LIPSYNC_SLOTS" in engines["lipsync"].problem
    assert engines["tts"].problem == ""


def test_without_a_gpu_no_engine_is_asked(monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "")
    assert MeshPlan.here().engines == {}


def test_replicas_are_started_without_a_gpu_too(monkeypatch):
    Path("vigent.toml").write_text("[mesh]\nlipsync_replicas = 4\n", encoding="utf-8")
    assert MeshPlan.here(0).addresses.replicas("lipsync") == ["lipsync", "lipsync-2", "lipsync-3", "lipsync-4"]
    monkeypatch.setenv("VIGENT_LIPSYNC_REPLICAS", "2")
    assert MeshPlan.here(0).addresses.replicas("lipsync") == ["lipsync", "lipsync-2"]


def test_gpus_come_from_the_setting_then_from_cuda_then_from_nvidia_smi(monkeypatch, tmp_path):
    nvidia_smi(tmp_path, "echo 0; echo 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert available_gpus(MeshSettings.load()) == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8a5b")
    assert available_gpus(MeshSettings.load()) == ["3", "GPU-8a5b"]
    monkeypatch.setenv("VIGENT_GPUS", "")
    assert available_gpus(MeshSettings.load()) == []


@pytest.mark.parametrize(
    ("visible", "gpus"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("2,-1,0", ["2"]),
        ("1, 3", ["1", "3"]),
        (
            "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,MIG-7d9fe7b6-9d3b-5b4f-b0a5-1f2b8c7f3f60",
            ["GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "MIG-7d9fe7b6-9d3b-5b4f-b0a5-1f2b8c7f3f60"],
        ),
        ("MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0", ["MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0"]),
    ],
)
def test_what_cuda_leaves_visible_is_read_as_cuda_reads_it(production, monkeypatch, visible, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert available_gpus(MeshSettings.load()) == gpus
    plan = MeshPlan.here()
    assert plan.gpus.get("tts") == (gpus[0] if gpus else None)
    assert plan.device("tts") == (f"GPU {gpus[0]}" if gpus else "cpu")


def test_what_nvidia_smi_says_beside_the_numbers_is_no_gpu(monkeypatch, tmp_path):
    nvidia_smi(tmp_path, "echo 0; echo '[GPU requires reset]'; echo 2; echo 'WARNING: infoROM is corrupted at gpu 1'")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert available_gpus(MeshSettings.load()) == ["0", "2"]
    nvidia_smi(tmp_path, "echo No devices were found")
    assert available_gpus(MeshSettings.load()) == []


@pytest.mark.parametrize("script", ["exit 9", "echo NVIDIA-SMI has failed >&2; exit 1", "exec sleep 60"])
def test_an_nvidia_smi_that_fails_or_hangs_means_no_gpu(monkeypatch, tmp_path, script):
    nvidia_smi(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("gateway.mesh.gpus._DETECTION_TIMEOUT_S", 0.5)
    assert query("index") == []


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [("VIGENT_GPUS", "0,all", "'all' is not a GPU"), ("VIGENT_LIPSYNC_REPLICAS", "-1", "VIGENT_LIPSYNC_REPLICAS")],
)
def test_wrong_settings_are_named(monkeypatch, setting, value, named):
    monkeypatch.setenv(setting, value)
    with pytest.raises(InvalidInputError) as raised:
        MeshPlan.here()
    assert named in str(raised.value)
    assert setting in str(raised.value)


def test_too_many_replicas_for_the_ports_are_refused(monkeypatch):
    monkeypatch.setenv("VIGENT_LIPSYNC_PORT", "65530")
    monkeypatch.setenv("VIGENT_LIPSYNC_REPLICAS", "2")
    with pytest.raises(InvalidInputError, match="65540"):
        MeshPlan.here()

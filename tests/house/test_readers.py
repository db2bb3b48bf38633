"""Files from outside are opened in one place each, and the gateway's process loads no decoder."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sources import ROOT, SOURCES

READERS = {
    "av.open": ("services/media/",),
    "Image.open": ("services/media/picture.py",),
    "TTFont": ("services/typography/",),
    "ImageFont.truetype": ("services/typography/",),
}
OWN_FILMS = "orchestrator/film/"
"""What is opened there was made by the film itself, or by `conform` from what services/media read."""


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_opens_a_file_from_outside(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    for call in calls(path):
        name = ast.unparse(call.func)
        rooms = READERS.get(name, (place,))
        assert place.startswith(rooms) or (name == "av.open" and place.startswith(OWN_FILMS)), f"{place} calls {name}"


@pytest.mark.parametrize("module", ["gateway.http.app", "gateway.library.library", "gateway.films.request"])
def test_the_gateway_loads_no_decoder(module: str) -> None:
    program = f"import sys, {module}; print([name for name in ('av', 'cv2') if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, encoding="utf-8", timeout=100
    )
    assert found.stdout.strip() == "[]"

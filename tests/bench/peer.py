"""`compose_vs_ffmpeg`: composing and encoding by FFmpeg's command line over ours, in processor seconds, for scale.

Both decode the same footage, lay the same mouth of 400x400 and two lines of text over every frame and encode with the
same settings of x264. FFmpeg draws the text itself (libass), ours gets it as a picture, as the overlay server draws it;
ours turns round in the middle of the footage, FFmpeg cannot. Rounds alternate and the least of each counts.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from orchestrator.film.encode import B_FRAMES, DEFAULT_ENCODER, FILM_GOP_FRAMES
from services.media.timeline import FRAME_RATE_HZ
from tests.bench.bench_compose import (
    FRAMES_A_ROUND,
    HEIGHT,
    WIDTH,
    caption_image,
    composed,
    mouth_patch,
    write_footage,
)
from tests.bench.figures import NONE, ROOT, Figure

_NAME, _ROUNDS = "compose_vs_ffmpeg", 6
_TEXT = f"""[Script Info]
PlayResX: {WIDTH}
PlayResY: {HEIGHT}
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, Outline, Alignment, MarginV
Style: Default,Noto Sans SC,72,&H00FFFFFF,&H00000000,7,8,1510
[Events]
Format: Start, End, Style, Text
Dialogue: 0:00:00.00,0:01:00.00,Default,Sixty frames with words\\Nlaid over the picture
"""


def figures() -> list[Figure]:
    """The figure; without a value where FFmpeg's program is missing or cannot draw text."""
    program = shutil.which("ffmpeg")
    if program is None or " ass " not in _told([program, "-hide_banner", "-filters"]):
        return [Figure(_NAME, None, NONE, "ffmpeg with libass is not installed (on Debian: apt-get install ffmpeg)")]
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = _sides(Path(name), program)
        rounds = [(_cpu_s(ours), _cpu_s(theirs)) for _ in range(_ROUNDS)]
    ours_s, theirs_s = (min(each) for each in zip(*rounds, strict=True))
    version = _told([program, "-version"]).split()[2]
    conditions = (
        f"{FRAMES_A_ROUND} frames of {WIDTH}x{HEIGHT}, mouth patch of 400x400 and two lines of text on every frame, "
        f"libx264 {DEFAULT_ENCODER.preset}; processor seconds: ffmpeg {version} {theirs_s:.2f}, ours {ours_s:.2f}"
    )
    return [Figure(_NAME, theirs_s / ours_s, NONE, conditions)]


def _sides(folder: Path, program: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """What composes the same film, ours and FFmpeg's command line."""
    footage, text, patches = folder / "footage.mp4", folder / "text.ass", folder / "patches.rgb"
    write_footage(footage)
    text.write_text(_TEXT, encoding="utf-8")
    patches.write_bytes(b"".join(mouth_patch(number).rgb.tobytes() for number in range(FRAMES_A_ROUND)))
    command, caption = _command(program, footage, text, patches, folder / "theirs.mp4"), caption_image()
    return lambda: composed(footage, folder / "ours.mp4", caption), lambda: _run(command)


def _command(program: str, footage: Path, text: Path, patches: Path, target: Path) -> list[str]:
    patch = mouth_patch(0)
    height, width, _ = patch.rgb.shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FRAME_RATE_HZ)]
    drawn = f"[0:v][1:v]overlay={patch.x}:{patch.y},ass={text}:fontsdir={ROOT / 'assets' / 'fonts'}"
    x264 = ["-c:v", "libx264", "-preset", DEFAULT_ENCODER.preset, "-crf", str(DEFAULT_ENCODER.crf)]
    groups = ["-g", str(FILM_GOP_FRAMES), "-bf", str(B_FRAMES), "-flags", "+cgop", "-pix_fmt", "yuv420p"]
    quiet = [program, "-nostdin", "-loglevel", "error", "-y"]
    return [*quiet, "-i", str(footage), *raw, "-i", str(patches), "-filter_complex", drawn, *x264, *groups, str(target)]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _told(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def _cpu_s(work: Callable[[], None]) -> float:
    """Processor seconds of this process and of the children that it ends."""
    before_s = _used_s()
    work()
    return _used_s() - before_s


def _used_s() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)

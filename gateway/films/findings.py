"""What a film passed over, in words, from its report: what its maker should look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_CAPTIONS = {
    "glyph_missing": "characters that the font does not have",
    "outside_safe_area": "something outside the platform's safe area",
    "width": "a line wider than the picture allows",
}


def findings_of(report: Mapping[str, Any]) -> Iterator[str]:
    """A short sentence for each finding of a job's `report.json`; none when all is well."""
    if without := report["frames_without_face"]:
        frames = f"{without} of {report['frames']} frames"
        yield f"Film: {frames} show no face from the front; the mouth stays as it is there."
    yield from (f"Footage: {problem}" for problem in report["footage_problems"])
    yield from (f"Music: {problem}" for problem in report["music_problems"])
    yield from (f"Voice: {problem}" for told in report.get("pronunciations", ()) if (problem := _unsaid(told)))
    if again := sum(take["takes"] > 1 for take in report["takes"]):
        yield f"Voice: {again} of {len(report['takes'])} sentences were spoken again, because something else was heard."
    checks = [finding["check"] for finding in report["captions"]["findings"]]
    yield from (f"Captions: {words} ({checks.count(check)}x)." for check, words in _CAPTIONS.items() if check in checks)


def _unsaid(told: Mapping[str, Any]) -> str:
    """What became of a reading; "" when the word was said so."""
    if not told["times"]:
        return f"{told['word']!r} is nowhere in the script; its reading was not used."
    if not told["applied"]:
        return f"{told['word']!r} was not said as {told['reading']!r}: give this voice other words, not {told['kind']}."
    return ""

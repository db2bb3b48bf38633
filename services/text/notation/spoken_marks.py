"""What a script says of its own speech: `[word|reading]` and `<break time="1s"/>`. Other tags of speech are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.base.errors import InvalidInputError
from services.text.notation.readings import reading_of
from services.text.pauses import LONGEST_PAUSE_S
from services.text.pronunciation import ReadingKind
from services.text.words import is_ideograph

FIELD = "spec.script"

_READING = re.compile(r"(?<![A-Za-z0-9_\\])\[(?P<word>[^\[\]|\n]*)\|(?P<reading>[^\[\]|\n]*)\](?!\()")
_TAG = re.compile(r"(?<!\\)<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]*)(?P<rest>(?:\s[^<>\n]*?)?)(?P<empty>/?)>")
_TIME = re.compile(
    r"\s*time\s*=\s*[\"'“”‘’]?(?P<number>\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s?(?P<unit>ms|s)[\"'“”‘’]?\s*", re.IGNORECASE
)

_OF_LOOKS = """
a abbr acronym address article aside b bdi bdo big blockquote body br center cite code dd del details dfn div dl dt em
figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i ins kbd label li main mark nav ol p pre q s samp
section small span strike strong sub summary sup time title tt u ul var wbr
"""
_OF_BLOCKS = """
address article aside blockquote br center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li
main nav ol p pre section summary ul
"""
_OF_SPEECH = """
speak prosody emphasis phoneme say-as voice lang lexicon lookup token w desc metadata par seq media
"""
_OF_PAGES = """
applet area audio base button canvas caption col colgroup datalist dialog embed fieldset form frame frameset iframe img
input legend link map menu meta meter noscript object optgroup option output picture progress rp rt ruby script select
source style svg table tbody td template textarea tfoot th thead tr track video
"""
_DECORATIVE = frozenset(_OF_LOOKS.split())
"""Elements of HTML that tell only how their text looks; they are left out, as the marks of Markdown are."""
_BREAKING = frozenset(_OF_BLOCKS.split())
"""Of those, the ones that begin and end on a line of their own."""
_REFUSED = frozenset((_OF_SPEECH + _OF_PAGES).split())
"""Elements of SSML, and of HTML those that are no text or more than text."""
_SSML_ATTRIBUTES = {"sub": "alias", "mark": "name", "p": "xml:", "s": "xml:"}
"""What makes SSML of names that HTML has too."""
_VOID = frozenset({"br", "hr", "wbr", "img", "input"})


@dataclass(frozen=True)
class SpokenMark:
    """Characters [start, end) of a script, of which [word_start, word_end) are shown; `shown` stands for a tag.

    The word has a `reading` of a `kind`; a tag makes a pause of `pause_s` seconds, or none.
    """

    start: int
    end: int
    word_start: int
    word_end: int
    kind: ReadingKind = ReadingKind.WORDS
    reading: str = ""
    pause_s: float = 0.0
    shown: str = ""


def spoken_marks(script: str, literal: bytes) -> list[SpokenMark]:
    """All marks, in order; `literal` has 1 for each character that is taken as it stands.

    Raises InvalidInputError for the field "spec.script", with the line: BAD_WORD, BAD_READING, BAD_PAUSE, UNKNOWN_TAG.
    """
    found = [_word(script, match) for match in _READING.finditer(script) if not literal[match.start()]]
    found += [_tag(script, match) for match in _tags(script) if not literal[match.start()]]
    return sorted(found, key=lambda mark: mark.start)


def _tags(script: str) -> Iterator[re.Match[str]]:
    """What is a tag by a closed list of names: `a < b`, `List<int>` and `<name>` are none."""
    for match in _TAG.finditer(script):
        name = match["name"]
        known = name.lower() in _DECORATIVE | _REFUSED or name.lower() == "break" or ":" in name
        one_case = name.islower() or (name.isupper() and len(name) > 1)
        if known and one_case and (not _is_glued(script, match) or _is_whole(script, match)):
            yield match


def _is_glued(script: str, match: re.Match[str]) -> bool:
    """Whether it may be the parameter of a type: `List<object>`."""
    return bool(re.match("[A-Za-z0-9_]", script[match.start() - 1 : match.start()]))


def _is_whole(script: str, match: re.Match[str]) -> bool:
    whole = match["close"] or match["empty"] or "=" in match["rest"] or match["name"].lower() in _VOID
    return bool(whole) or f"</{match['name']}>" in script[match.end() :]


def _word(script: str, match: re.Match[str]) -> SpokenMark:
    try:
        kind, reading = reading_of(match["word"], match["reading"], FIELD)
    except InvalidInputError as error:
        problem = f"{_place(script, match)}: {error.problem}"
        remedy = f"{error.remedy} For brackets that are no reading, write \\[."
        raise InvalidInputError(problem, remedy, FIELD, error.reason) from None
    return SpokenMark(*match.span(), *match.span("word"), kind, reading)


def _tag(script: str, match: re.Match[str]) -> SpokenMark:
    name, place = match["name"].lower(), (match.start(), match.end(), match.end(), match.end())
    if name == "break":
        around = script[match.start() - 1 : match.start()], script[match.end() : match.end() + 1]
        apart = all(char.isalnum() and not is_ideograph(char) for char in around)
        return SpokenMark(*place, pause_s=0.0 if match["close"] else _pause_s(script, match), shown=" " * apart)
    attribute = _SSML_ATTRIBUTES.get(name)
    if name not in _DECORATIVE or (attribute and attribute in match["rest"].lower()):
        problem = f"{_place(script, match)}: <{match['name']}> is not understood."
        remedy = (
            'Take it out: of such tags only <break time="1s"/> has a meaning. Between ticks (`) it is read as text.'
        )
        raise InvalidInputError(problem, remedy, FIELD, "UNKNOWN_TAG")
    return SpokenMark(*place, shown="\n" * (name in _BREAKING))


def _pause_s(script: str, match: re.Match[str]) -> float:
    time = _TIME.fullmatch(match["rest"])
    seconds = float(time["number"]) / (1000 if time["unit"].lower() == "ms" else 1) if time else -1.0
    if not 0 <= seconds <= LONGEST_PAUSE_S:
        problem = f"{_place(script, match)}: this is no pause of 0 to {LONGEST_PAUSE_S:g} seconds."
        remedy = 'Write <break time="1s"/> or <break time="500ms"/>.'
        raise InvalidInputError(problem, remedy, FIELD, "BAD_PAUSE")
    return seconds


def _place(script: str, match: re.Match[str]) -> str:
    return f"Line {script.count(chr(10), 0, match.start()) + 1}, {match[0][:80]}"

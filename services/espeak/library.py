"""The C library of espeak-ng 1.52 (speak_lib.h) through ctypes: speak a text, hear samples and events as they come.

espeak-ng keeps all its state in globals, some of which no call resets (phase of the voice, flutter), so that a second
take of the same text differs. Every take therefore loads a copy of the library of its own, which costs about a
millisecond: takes are repeatable, and any number may run at once.
"""

from __future__ import annotations

import ctypes
import os
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.base.errors import InternalError

SAMPLE_RATE_HZ = 22_050

NORMAL_WPM = 175
"""Words per minute at speed 1 (espeakRATE_NORMAL)."""

_CHUNK_MS = 200
_CHUNKS_AHEAD = 8
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
_OPTIONS = 0x8000 | 0x0001  # espeakINITIALIZE_DONT_EXIT | espeakINITIALIZE_PHONEME_EVENTS
_RATE = 1  # espeakRATE
_UTF8, _SSML, _PHONEMES = 0x01, 0x10, 0x100  # espeakCHARS_UTF8, espeakSSML, espeakPHONEMES
_WITHOUT_DICTIONARY = {"fo", "kaa", "xex"}  # listed, but espeakng-loader 0.2.4 ships no words for them
_LIST_TERMINATED, _WORD, _PHONEME = 0, 1, 7  # espeak_EVENT_TYPE
_TIED_IPA = 0x02 | 0x80 | ord("^") << 8  # phonememode: IPA, letters of one sound tied by this character


@dataclass(frozen=True)
class WordBegan:
    """The voice reached a word: `position` counts characters of the text from 0."""

    position: int
    sample: int


@dataclass(frozen=True)
class PhonemeBegan:
    """The voice reached a phoneme, in espeak's own ASCII names; pauses start with "_"."""

    name: str
    sample: int


Event = NDArray[int16] | WordBegan | PhonemeBegan

_Pointer = Any  # ctypes' pointers have no type of their own at run time


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def speak(
    text: str,
    voice: str,
    *,
    words_per_minute: int,
    seed: int = 0,
    phonemes: bool = False,
    markup: bool = False,
) -> Generator[Event]:
    """Speaks `text` with an espeak voice such as "en-us+f2", yielding events as they are made.

    With `phonemes`, what stands between [[ and ]] is said by espeak's names of phonemes; with `markup` it is SSML.

    Samples are int16 mono of shape (samples,) at SAMPLE_RATE_HZ, at most 200 ms each; the events of a stretch come
    before its samples. Closing the iterator stops the voice within one stretch. Raises InternalError when espeak fails.
    """
    flags = _UTF8 | (_PHONEMES if phonemes else 0) | (_SSML if markup else 0)
    take = _Take(text, voice, words_per_minute, seed, flags)
    take.start()
    try:
        yield from take.events()
    finally:
        take.stop()


def ipa_of(texts: Sequence[str], voice: str) -> list[str]:
    """How espeak pronounces each text: IPA with stress, letters of one sound tied by "^"; punctuation is left out.

    Raises InternalError when there is no such voice.
    """
    with _library() as library:
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        _check(library.espeak_SetVoiceByName(voice.encode()), f"no voice {voice!r}")
        return [" ".join(_ipa_of_clauses(library, text)) for text in texts]


def _ipa_of_clauses(library: ctypes.CDLL, text: str) -> Iterator[str]:
    rest = ctypes.c_char_p(text.encode())
    while rest.value is not None:  # each call reads one clause and moves on; null after the last
        yield library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _TIED_IPA).decode().strip()


@cache
def languages() -> dict[str, str]:
    """Voice of every BCP 47 tag, in lower case, that espeak speaks."""
    with _library() as library:
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed = library.espeak_ListVoices(None)
        best: dict[str, tuple[int, str]] = {}
        for voice in takewhile(bool, (listed[index] for index in count())):
            file = voice.contents.identifier.decode().rpartition("/")[2]
            for priority, tag in _tags(voice.contents.languages):
                best[tag] = min(best.get(tag, (priority, file)), (priority, file))
    return {tag: file for tag, (_, file) in best.items() if file not in _WITHOUT_DICTIONARY}


class _Take(threading.Thread):
    """One text being spoken by a library of its own, in a thread of its own."""

    def __init__(self, text: str, voice: str, words_per_minute: int, seed: int, flags: int) -> None:
        super().__init__(name="espeak", daemon=True)
        self._text, self._voice, self._rate, self._seed, self._flags = text, voice, words_per_minute, seed, flags
        self._stretches: queue.Queue[list[Event] | None] = queue.Queue(_CHUNKS_AHEAD)
        self._stopped = threading.Event()
        self._failure = ""

    def events(self) -> Iterator[Event]:
        while (stretch := self._stretches.get()) is not None:
            yield from stretch
        if self._failure:
            raise InternalError(f"espeak-ng: {self._failure}")

    def stop(self) -> None:
        self._stopped.set()
        while not self._stretches.empty():  # wakes the callback where it waits for room
            self._stretches.get_nowait()
        self.join()

    def run(self) -> None:
        try:
            with _library() as library:
                self._speak(library)
        except Exception as error:
            self._failure = str(error)
        self._stretches.put(None)

    def _speak(self, library: ctypes.CDLL) -> None:
        callback = _Callback(self._hear)
        library.espeak_SetSynthCallback(callback)
        library.espeak_ng_SetRandSeed(ctypes.c_long(self._seed % 0x7FFF_FFFF))
        _check(library.espeak_SetVoiceByName(self._voice.encode()), f"no voice {self._voice!r}")
        _check(library.espeak_SetParameter(_RATE, self._rate, 0), f"no rate {self._rate}")
        text = self._text.encode() + b"\0"
        _check(library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, self._flags, None, None), "cannot speak")

    def _hear(self, samples: _Pointer, count: int, events: _Pointer) -> int:
        stretch: list[Event] = [*_events(events)]
        if samples and count > 0:
            stretch.append(np.ctypeslib.as_array(samples, (count,)).astype(int16))
        if stretch and not self._stopped.is_set():
            self._stretches.put(stretch)
        return int(self._stopped.is_set())


@contextmanager
def _library() -> Iterator[ctypes.CDLL]:
    """A copy of espeak-ng with fresh state.

    Its file stays open as long as it is loaded: the loader takes a file of the same name for the same library.
    """
    with os.fdopen(os.memfd_create("espeak-ng"), "wb") as copy:
        copy.write(Path(espeakng_loader.get_library_path()).read_bytes())
        copy.flush()
        library = ctypes.CDLL(f"/proc/self/fd/{copy.fileno()}")
        try:
            data_path = espeakng_loader.get_data_path().encode()
            rate = library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data_path, _OPTIONS)
            if rate != SAMPLE_RATE_HZ:
                raise InternalError(f"espeak-ng starts at {rate} Hz", "Install espeakng-loader again.")
            yield library
            library.espeak_Terminate()
        finally:
            ctypes.CDLL(None).dlclose(ctypes.c_void_p(library._handle))


def _events(events: _Pointer) -> Iterator[Event]:
    for event in takewhile(lambda event: event.type != _LIST_TERMINATED, (events[index] for index in count())):
        if event.type == _WORD:
            yield WordBegan(event.text_position - 1, event.sample)
        elif event.type == _PHONEME:
            yield PhonemeBegan(event.id.string.decode(errors="replace"), event.sample)


def _tags(packed: _Pointer) -> Iterator[tuple[int, str]]:
    """Reads espeak's list of languages: a byte of priority and a C string each, ended by a zero byte."""
    address = ctypes.addressof(packed.contents)
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        yield priority, tag.decode()
        address += len(tag) + 2


def _check(status: int, problem: str) -> None:
    if status != 0:
        raise InternalError(f"espeak-ng: {problem} (status {status})")

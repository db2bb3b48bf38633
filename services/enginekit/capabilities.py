"""What an engine can do, as it says itself: others ask for this and never for an engine's name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capabilities:
    """An engine has these as `capabilities`, on its class or, where they depend on the checkpoint, on the object.

    `languages` are BCP 47; none: it is not bound to any. `clones`: speaks with the voice of a recording.
    `follows_instructions`: takes an instruction how to speak. `judges_takes`: what it hears is good enough to judge a
    take by. `uses_gpu`: computes on a GPU where there is one. `streams`: gives its first result before the request is
    complete. `needs_checkpoint`: works only with one. `reads_pinyin`, `reads_ipa`: says a word as these tell it.
    """

    languages: tuple[str, ...] = ()
    clones: bool = False
    follows_instructions: bool = False
    judges_takes: bool = False
    uses_gpu: bool = False
    streams: bool = False
    needs_checkpoint: bool = False
    reads_pinyin: bool = False
    reads_ipa: bool = False

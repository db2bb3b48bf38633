"""How words of a film are said: what its script, its job and the settings tell, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.making.servers import Engine
from services.text.notation.dictionary import Dictionary
from services.text.pauses import Pause
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.sentences import Sentence, split_script
from vigent.jobs.v1 import jobs_pb2

FIELD = "spec.pronunciations"


def sentences_of(spec: jobs_pb2.JobSpec, settings: Dictionary) -> tuple[Sentence, ...]:
    """The sentences of a script with all that is told of their words.

    The script counts before the job, and the job before the settings. Raises InvalidInputError.
    """
    job = Dictionary.of(spec.pronunciations, FIELD)
    return tuple(_told(sentence, job, settings) for sentence in split_script(spec.script))


def sentence_from_json(data: Mapping[str, Any]) -> Sentence:
    """The sentence that `dataclasses.asdict` made plain."""
    told = [Pronunciation(**{**said, "kind": ReadingKind(said["kind"])}) for said in data.get("pronunciations", ())]
    pauses = [Pause(**pause) for pause in data.get("pauses", ())]
    return Sentence(**{**data, "pronunciations": tuple(told), "pauses": tuple(pauses)})


def readings_report(spec: jobs_pb2.JobSpec, sentences: Sequence[Sentence], voice: Engine) -> list[dict[str, Any]]:
    """Each reading with how many `times` it was met, and whether the voice could be told it.

    Those of the job that were met nowhere are among them.
    """
    unmet = Dictionary.of(spec.pronunciations, FIELD).readings
    times = Counter(dict.fromkeys(((word, *reading) for word, reading in unmet.items()), 0))
    times.update(_readings(sentences))
    met = {(word.lower(), reading) for word, _, reading in _readings(sentences)}
    return [
        {"word": word, "kind": kind.value, "reading": reading, "times": count, "applied": voice.reads(kind)}
        for (word, kind, reading), count in times.items()
        if count or (word.lower(), reading) not in met
    ]


def _told(sentence: Sentence, *dictionaries: Dictionary) -> Sentence:
    told = sentence.pronunciations
    for dictionary in dictionaries:
        told = dictionary.pronunciations(sentence.text, told)
    return replace(sentence, pronunciations=told)


def _readings(sentences: Sequence[Sentence]) -> Iterator[tuple[str, ReadingKind, str]]:
    for sentence in sentences:
        for told in sentence.pronunciations:
            yield sentence.text[told.char_start : told.char_end], told.kind, told.reading

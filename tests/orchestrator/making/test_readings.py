"""What is told of words: who counts before whom, and what the maker hears of it."""

import json
from dataclasses import asdict

import pytest

from orchestrator.making.readings import readings_report, sentence_from_json, sentences_of
from orchestrator.making.servers import Engine
from services.base.errors import InvalidInputError
from services.text.notation.dictionary import Dictionary
from vigent.jobs.v1 import jobs_pb2

SCRIPT = '我在[重庆|zhòng qìng]。他在重庆大学用SQL。<break time="1s"/>她在重庆。'
SETTINGS = Dictionary.of(["重庆=崇庆", "重庆大学=重大", "SQL=squeal", "cube=/ˈkjuːb/"], "")


def sentences(*pronunciations: str):
    return sentences_of(jobs_pb2.JobSpec(script=SCRIPT, pronunciations=pronunciations), SETTINGS)


def readings(*pronunciations: str) -> list[list[tuple[str, str]]]:
    return [
        [(sentence.text[told.char_start : told.char_end], told.reading) for told in sentence.pronunciations]
        for sentence in sentences(*pronunciations)
    ]


def test_the_script_counts_before_the_job_and_the_job_before_the_settings():
    assert readings() == [[("重庆", "zhong4 qing4")], [("重庆大学", "重大"), ("SQL", "squeal")], [("重庆", "崇庆")]]
    assert readings("重庆=chóng qìng", "sql=sequel") == [
        [("重庆", "zhong4 qing4")],
        [("重庆", "chong2 qing4"), ("SQL", "sequel")],
        [("重庆", "chong2 qing4")],
    ]


def test_a_sentence_outlives_the_process_that_planned_it():
    for sentence in sentences("重庆=chóng qìng"):
        assert sentence_from_json(json.loads(json.dumps(asdict(sentence)))) == sentence


def test_an_entry_that_cannot_be_read_is_named():
    with pytest.raises(InvalidInputError) as refused:
        sentences("重庆=chonq2 qing4")
    assert (refused.value.field, refused.value.reason) == ("spec.pronunciations", "BAD_READING")


def test_the_report_tells_how_often_a_reading_was_met_and_whether_the_voice_could_be_told():
    spec = jobs_pb2.JobSpec(script=SCRIPT, pronunciations=["重庆=chóng qìng", "sql=/ˈsiːkwəl/", "Kubernets=x"])
    report = readings_report(spec, sentences_of(spec, SETTINGS), Engine("voice@1", reads_pinyin=True))
    assert {(told["word"], told["reading"]): (told["kind"], told["times"], told["applied"]) for told in report} == {
        ("重庆", "zhong4 qing4"): ("pinyin", 1, True),
        ("重庆", "chong2 qing4"): ("pinyin", 2, True),
        ("SQL", "ˈsiːkwəl"): ("ipa", 1, False),
        ("Kubernets", "x"): ("words", 0, True),
    }

"""What the voice is asked for."""

from orchestrator.making.voice import Voice
from vigent.jobs.v1 import jobs_pb2


def test_a_sentence_of_digits_is_asked_for_in_the_language_of_the_script() -> None:
    voice = Voice(jobs_pb2.JobSpec(script="涨了多少？3.5%。"), "espeak", None, None, None, None)  # type: ignore[arg-type]
    assert voice._request("3.5%。", None).language == "zh"
    assert voice._request("涨了多少？", None).language == ""

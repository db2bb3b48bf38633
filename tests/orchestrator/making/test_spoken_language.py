"""The language that the voice is asked for."""

from orchestrator.making.making import Making
from vigent.jobs.v1 import jobs_pb2


def test_a_sentence_of_digits_is_asked_for_in_the_language_of_the_script() -> None:
    spec = jobs_pb2.JobSpec(script="涨了多少？3.5%。")
    making = Making("", spec, None, None, None, None, None, lambda: None)  # type: ignore[arg-type]
    assert making.language_to_say("3.5%。") == "zh"
    assert making.language_to_say("涨了多少？") == ""

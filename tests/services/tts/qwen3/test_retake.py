import numpy as np
import pytest

from services.tts.engine import FinishReason
from services.tts.qwen3.retake import CheckedTake, RetakePolicy, character_error_rate, retake_seed


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("你好，世界", "你好世界", 0.0),
        ("Hello, World!", "hello world", 0.0),
        ("你好世界", "你好十界", 0.25),
        ("abcd", "abxcd", 0.25),
        ("abcd", "", 1.0),
        ("ab", "abcdef", 2.0),
        ("", "", 0.0),
        ("。", "a", 1.0),
    ],
)
def test_character_error_rate(said, heard, rate):
    assert character_error_rate(said, heard) == rate


def take(length, reason=FinishReason.END_OF_TEXT):
    return CheckedTake(np.zeros(length, np.int16), reason)


def run(rates, reasons=None, max_retakes=2):
    spoken: list[int] = []

    def speak(seed):
        spoken.append(seed)
        return take(len(spoken), (reasons or {}).get(len(spoken), FinishReason.END_OF_TEXT))

    policy = RetakePolicy(lambda pcm, *_: rates[len(pcm) - 1], max_retakes, max_error_rate=0.2)
    return len(policy.best(speak, 5, 24_000, "text", "en").pcm), spoken


def test_a_right_take_is_kept():
    chosen, spoken = run([0.2])
    assert (chosen, spoken) == (1, [5])


def test_a_wrong_take_is_spoken_again_with_another_seed():
    chosen, spoken = run([0.9, 0.1])
    assert (chosen, spoken) == (2, [5, retake_seed(5, 1)])
    assert spoken[1] != 5


def test_the_least_wrong_take_is_kept_after_the_last():
    assert run([0.9, 0.3, 0.5])[0] == 2


def test_a_take_cut_at_its_length_is_wrong():
    assert run([0.0, 0.1], {1: FinishReason.LENGTH_CAP})[0] == 2


def test_seeds_repeat():
    assert retake_seed(5, 0) == 5
    assert retake_seed(5, 2) == retake_seed(5, 2) != retake_seed(6, 2)
    assert 0 <= retake_seed(2**64 - 1, 1) < 2**63

"""What a listener of Chinese writes for Latin words is recognised by its sounds, and nothing else is."""

import pytest

from tests.bench.quality import lines
from tests.bench.recognised import by_letters, by_sounds, in_place_of

SENTENCES = dict(line.split("\t") for line in lines("mixed"))
NAMES = {name for names in SENTENCES.values() for name in names.split("|")}


@pytest.mark.parametrize(
    ("word", "sentence", "heard", "place"),
    [
        ("Python", "我们用 Python 写了一个很小的工具。", "我们用派声写了一个很小的工具。", "派声"),
        ("iPhone", "你可以用 iPhone 拍一段视频，然后传给我。", "你可以用阿锋拍一段视频，然后传给我。", "阿锋"),
        ("Docker", "用 Docker 部署服务只要一分钟。", "用道客部署服务只要一分钟。", "道客"),
        ("CEO", "他们的 CEO 昨天宣布了这个消息。", "他们的 CEO 昨天宣布了这个消息。", " CEO "),
    ],
)
def test_the_sounds_in_its_place_are_those_of_the_word(word: str, sentence: str, heard: str, place: str) -> None:
    assert in_place_of(word, sentence, heard).strip() == place.strip()
    assert by_sounds(word, sentence, heard, NAMES)


@pytest.mark.parametrize(
    ("word", "sentence", "heard"),
    [
        ("Zoom", "我们下午开一个 Zoom 会议。", "我们下午开一个入目会议。"),
        ("Zoom", "我们下午开一个 Zoom 会议。", "我们下午开一个会议。"),
        ("Email", "她的 Email 地址我忘记了。", "她的一秒地址我忘记了。"),
        ("GPU", "这台电脑的 CPU 很快，可是 GPU 太旧了。", "这台电脑的 CPU 很快，可是 CPU 太旧了。"),
    ],
)
def test_other_sounds_are_not(word: str, sentence: str, heard: str) -> None:
    assert not by_letters(word, heard)
    assert not by_sounds(word, sentence, heard, NAMES)


def test_no_word_is_taken_for_another() -> None:
    wrong = [
        (word, said)
        for sentence, names in SENTENCES.items()
        for said in names.split("|")
        for word in NAMES - set(names.split("|"))
        if by_sounds(word, sentence.replace(said, word), sentence, NAMES)
    ]
    assert not wrong

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.errors import InvalidInputError
from services.text.pasted import spoken_text
from services.text.sentences import (
    MAX_SENTENCE_UNITS,
    Sentence,
    language_of,
    language_to_say,
    says_something,
    split_script,
)


def texts(script: str) -> list[str]:
    return [sentence.text for sentence in split_script(script)]


@pytest.mark.parametrize(
    ("script", "sentences"),
    [
        ("大家好！我是小薇。今天聊什么？", ["大家好！", "我是小薇。", "今天聊什么？"]),
        ("他说：“真的吗？”然后走了。", ["他说：“真的吗？”", "然后走了。"]),
        ("（你好！）再见。", ["（你好！）", "再见。"]),
        ("太好了！！！真的？！", ["太好了！！！", "真的？！"]),
        ("我……我不知道……算了。", ["我……我不知道……", "算了。"]),
        ("It costs $3.50. Dr. Smith agrees, e.g. today.", ["It costs $3.50.", "Dr. Smith agrees, e.g. today."]),
        ("See https://a.b/c?d=e! Then v1.2.3 came.", ["See https://a.b/c?d=e!", "Then v1.2.3 came."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ('"What?" he asked. "Nothing!" she said.', ['"What?" he asked.', '"Nothing!" she said.']),
        ("The U.S. Army and J. Smith met at No. 5.", ["The U.S. Army and J. Smith met at No. 5."]),
        ("She said no. Then left.", ["She said no.", "Then left."]),
        ("Wait... what? yes", ["Wait... what? yes"]),
        ("用 Node.js 写的.你试试!好吗", ["用 Node.js 写的.", "你试试!", "好吗"]),
        ("涨了3.5%。价格是3.5美元", ["涨了3.5%。", "价格是3.5美元"]),
        ("第一行\n第二行\n\n第三段", ["第一行", "第二行", "第三段"]),
        ("1．打开设置\n２．点击 OK", ["1．打开设置", "２．点击 OK"]),
        ("涨了3．5倍。他来了．我走了．", ["涨了3．5倍。", "他来了．", "我走了．"]),
        ("1. 打开设置\n2. 点击 OK", ["1. 打开设置", "2. 点击 OK"]),
        ("# 标题\n- **第一点**：用 `vigent up`", ["标题", "第一点：用 vigent up"]),
        ("你好。😀\n😀！再见。", ["你好。😀 😀！", "再见。"]),
        ("😀你好。", ["😀你好。"]),
        ("——\n你好。", ["—— 你好。"]),
        ("a\r\nb", ["a", "b"]),
    ],
)
def test_sentences_of_a_script(script, sentences):
    assert texts(script) == sentences


def test_sentences_know_their_place_in_the_script():
    script = "# 标题\n我是**小薇**。Hi [there](x)!"
    assert split_script(script) == [
        Sentence("标题", 2, 4),
        Sentence("我是小薇。", 5, 14),
        Sentence("Hi there!", 14, 28),
    ]


@given(st.text(alphabet='我们今天聊短视频ab C1.5。！？!?…，, “”"\n😀*_`-#', min_size=1, max_size=200))
@settings(max_examples=300)
def test_every_character_that_can_be_heard_is_in_one_sentence(script):
    if not says_something(spoken_text(script).text):
        with pytest.raises(InvalidInputError, match=r"empty|nothing to say"):
            split_script(script)
        return
    sentences = split_script(script)
    heard = "".join("".join(sentence.text.split()) for sentence in sentences)
    assert heard == "".join(spoken_text(script).text.split())
    starts = [edge for sentence in sentences for edge in (sentence.char_start, sentence.char_end)]
    assert starts == sorted(starts)
    assert all(says_something(sentence.text) for sentence in sentences)


@pytest.mark.parametrize(
    "script",
    [
        "这是一个很长的句子，" * 60,
        "没有标点的句子也要能够分开" * 60,
        "a long sentence without any comma in it " * 40,
        "混合 mixed 的句子 with Qwen3-TTS 1.7B，" * 30,
    ],
)
def test_long_sentences_are_divided_between_words(script):
    sentences = split_script(script)
    assert len(sentences) > 1
    for sentence in sentences:
        han = sum("\u4e00" <= character <= "\u9fff" for character in sentence.text)
        assert 3 * han + len(sentence.text) - han <= MAX_SENTENCE_UNITS
        assert sentence.text.split()[0] in script.split() or han
    assert "".join("".join(sentence.text.split()) for sentence in sentences) == "".join(script.split())
    assert not any(sentence.text.startswith(("，", "TTS", "-")) for sentence in sentences)


def test_long_sentences_are_divided_at_commas():
    assert all(text.endswith("，") for text in texts("这是一个很长的句子，" * 60))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("", "EMPTY"),
        (" \n\t", "EMPTY"),
        ("字" * 20_001, "TEXT_TOO_LONG"),
        ("字" * 100_000, "TEXT_TOO_LONG"),
        ("😀😀！——", "NOTHING_TO_SAY"),
        ("***\n---", "NOTHING_TO_SAY"),
        ("你好\0再见", "CONTROL_CHARACTER"),
        ("bell\x07", "CONTROL_CHARACTER"),
        ("half \ud800", "CONTROL_CHARACTER"),
        ("a" * 301, "TOKEN_TOO_LONG"),
    ],
)
def test_scripts_that_cannot_be_spoken_are_refused(script, reason):
    with pytest.raises(InvalidInputError) as refused:
        split_script(script)
    assert (refused.value.reason, refused.value.field) == (reason, "spec.script")
    assert refused.value.remedy


def test_the_longest_script_is_taken():
    assert sum(len(text) for text in texts("今天聊聊短视频。" * 2_500)) == 20_000


@pytest.mark.parametrize(
    ("text", "language"), [("你好", "zh"), ("Hello 世界", "zh"), ("Hello", "en"), ("3.5%", "en"), ("", "en")]
)
def test_language_by_letters(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("sentence", "asked", "language"),
    [
        ("3.5%！", "", "zh"),
        ("2024", "", "zh"),
        ("2024", "en", "en"),
        ("涨了3.5%", "", ""),
        ("Up 3.5%", "", ""),
        ("3.5%", "de", "de"),
    ],
)
def test_a_sentence_without_letters_is_in_the_language_of_its_script(sentence, asked, language):
    assert language_to_say(sentence, asked, f"大家好。{sentence}") == language
    assert language_to_say("2024", "", "Hello. 2024") == "en"

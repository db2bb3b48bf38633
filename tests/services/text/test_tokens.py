import pytest

from services.text.tokens import protected_spans


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("我用Qwen3-TTS合成", ["Qwen3-TTS"]),
        ("don't 和 rock’n’roll", ["don't", "rock’n’roll"]),
        ("C++、C#、F#和Node.js", ["C++", "C#", "F#", "Node.js"]),
        ("v1.2.3-beta+build.5 发布", ["v1.2.3-beta+build.5"]),
        ("涨了20%，跌了3.5％", ["20%", "3.5％"]),
        ("3.5美元、1,250,000元、5万亿", ["3.5美元", "1,250,000元", "5万亿"]),
        ("20 kg 和 100km/h 和 -5°C", ["20 kg", "100km/h", "-5°C"]),
        ("见https://a.b/c?d=e&f=g#h，或www.x.org/y/", ["https://a.b/c?d=e&f=g#h", "www.x.org/y/"]),
        ("写信到me.you+tag@x.co.uk。", ["me.you+tag@x.co.uk"]),
        ("@vigent_ai 和 @小薇 说 #AI短视频# #标签 好", ["@vigent_ai", "@小薇", "#AI短视频#", "#标签"]),
        ("👨‍👩‍👧和🇨🇳和👍🏽和1️⃣和❤️", ["👨‍👩‍👧", "🇨🇳", "👍🏽", "1️⃣", "❤️"]),
        ("2025-09-01 12:30 24/7", ["2025-09-01", "12:30", "24/7"]),
        ("$3.50、￥99、¥1.5万", ["$3.50", "￥99", "¥1.5万"]),
        ("cafe\u0301 naïve CO₂", ["cafe\u0301", "naïve", "CO₂"]),
    ],
)
def test_finds_tokens_whole(text, tokens):
    assert [text[start:end] for start, end in protected_spans(text)] == tokens


def test_ends_before_punctuation_and_chinese():
    text = "看https://vigent.dev/docs。然后(v2.0)吧, ok."
    assert [text[start:end] for start, end in protected_spans(text)] == ["https://vigent.dev/docs", "v2.0", "ok"]


def test_chinese_has_no_tokens():
    assert protected_spans("今天我们聊聊短视频。") == []

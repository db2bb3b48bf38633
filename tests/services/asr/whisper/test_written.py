import pytest

from services.asr.whisper.written import written


@pytest.mark.parametrize(
    ("heard", "language", "text"),
    [
        ("今天我們來介紹一款全新的產品,它可以自動生成視頻", "zh", "今天我们来介绍一款全新的产品，它可以自动生成视频。"),
        ("大家好 歡迎來到我們的頻道", "zh-CN", "大家好，欢迎来到我们的频道。"),
        ("我们用 GPU,速度提高了3.5倍. 7:30,好吗?", "zh", "我们用 GPU，速度提高了3.5倍。7:30，好吗？"),
        ("大家好 欢迎来到我们的频道", "zh-TW", "大家好，歡迎來到我們的頻道。"),
        ("Hello, world.", "zh", "Hello, world."),
        ("映画を見ます,今日", "ja", "映画を見ます,今日"),
        ("", "zh", ""),
    ],
)
def test_chinese_is_written_as_its_readers_do(heard: str, language: str, text: str) -> None:
    assert written(heard, language) == text

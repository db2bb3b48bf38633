import pytest

from services.text.languages import language_by_script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("大家好", "zh"),
        ("用 Qwen3 TTS 的 Hello world 测试", "zh"),
        ("在 iPhone 15 Pro Max 上", "zh"),
        ("The word 你好 means hello in 2025", "en"),
        ("Good morning", "en"),
        ("2025", "en"),
        ("零下 5°C", "zh"),
        ("Привет, world", "ru"),
        ("東京に行きます", "ja"),
        ("안녕하세요", "ko"),
        ("...", "en"),
    ],
)
def test_tells_the_language_by_the_script(text, language):
    assert language_by_script(text) == language

"""Words with times as a voice would have them, for tests."""

from orchestrator.captions.opportunities import jieba_words
from services.text.timing import Word

SAMPLE_RATE_HZ = 24_000


def spoken_words(text: str, seconds_per_letter: float = 0.1, pause_s: float = 0.3) -> tuple[list[Word], int]:
    """Words of `text` one after the other, with pauses at punctuation, and the film frames that hold them."""
    words: list[Word] = []
    position_s = 0.1
    for word, start, end in jieba_words(text):
        letters = sum(2 if ord(letter) > 0x2E7F else 1 for letter in word if letter.isalnum())
        if not letters:
            position_s += pause_s if word.strip() else 0.0
            continue
        first, position_s = position_s, position_s + seconds_per_letter * letters
        words.append(Word(start, end, int(first * SAMPLE_RATE_HZ), int(position_s * SAMPLE_RATE_HZ)))
    return words, int(position_s * 25) + 10

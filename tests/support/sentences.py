"""Sentences with tokens that no line break may cut."""

from pathlib import Path

from hypothesis import strategies as st

FIXTURE = [
    (sentence, tokens.split("|"))
    for sentence, tokens in (
        line.split("\t") for line in (Path(__file__).parent / "sentences.txt").read_text(encoding="utf-8").splitlines()
    )
]
TOKENS = """
Qwen3-TTS C++ C# Node.js don't I'm state-of-the-art v1.2.3-beta 3.5 20% 99.9% 1,250,000 3.5美元 5km 16GB 30fps
https://vigent.dev/docs?a=b&c=d#top me@x.co.uk @vigent #AI短视频# AT&T TCP/IP 24/7 2025-09-01 12:30 $3.50 -5°C
👨‍👩‍👧 🇨🇳 👍🏽 ❤️ 😀 asyncio.TaskGroup CO₂ café antidisestablishmentarianism H.264
"""
HAN = st.text(alphabet="我们今天聊聊短视频的声音和口型怎么做才自然所以你也可以试试看", min_size=1, max_size=12)
TOKEN = st.sampled_from(TOKENS.split())
MARK = st.sampled_from(
    ["，", "。", "！", "？", "、", "；", "：", "……", "——", ", ", ". ", "! ", "“", "”", "《", "》", "（", "）"]
)


@st.composite
def mixed(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """A text and the ranges of the tokens put into it, which are kept apart by spaces."""
    text, tokens = "", []
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["han", "token", "token", "mark"]))
        if kind == "token":
            token = draw(TOKEN)
            text += " " if text[-1:].strip() else ""
            tokens.append((len(text), len(text) + len(token)))
            text += token + " "
        else:
            text += draw(HAN if kind == "han" else MARK)
    return text, tokens

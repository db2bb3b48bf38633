"""What is left to do by hand, as a text in the pack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from gateway.publishing.platforms import Platform
from gateway.publishing.rules import Rule

Language = Literal["en", "zh"]

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Publish on {name}",
        "mend": "Mend first:",
        "look": "Look at:",
        "open": "Open {url}",
        "film": "Upload {film}",
        "cover": "Choose a cover: {covers}",
        "texts": "Copy title and description out of texts.txt",
        "tags": "Copy the tags out of texts.txt into their own field",
        "captions": "Add captions.srt where captions are asked for",
        "declare": "Declare the film as made by AI: {how}",
        "post": "Post it, then paste its address into Vigent",
        "source": "Rules after: {source}",
    },
    "zh": {
        "title": "发布到{name}",
        "mend": "请先修改：",
        "look": "请留意：",
        "open": "打开 {url}",
        "film": "上传 {film}",
        "cover": "选择封面：{covers}",
        "texts": "从 texts.txt 复制标题和简介",
        "tags": "从 texts.txt 复制标签，填入标签栏",
        "captions": "如可上传字幕，添加 captions.srt",
        "declare": "声明内容由 AI 生成：{how}",
        "post": "发布，然后把链接粘贴到 Vigent",
        "source": "规则依据：{source}",
    },
}

_RULES: dict[str, str] = {
    "length": "时长不符合要求",
    "size": "文件大小不符合要求",
    "shape": "画面比例不能铺满屏幕",
    "sides": "画面尺寸太小",
    "title": "标题不符合字数要求",
    "description": "简介不符合字数要求",
    "tags": "标签不符合要求",
    "characters": "标题或简介中有不允许的字符",
    "declaration": "影片没有 AI 生成标识",
}


def checklist(platform: Platform, found: Sequence[Rule], covers: Sequence[str], film: str, language: Language) -> str:
    """The steps, each with a box to tick; what breaks a rule comes first."""
    return "\n".join(_lines(platform, found, covers, film, language)) + "\n"


def _lines(
    platform: Platform, found: Sequence[Rule], covers: Sequence[str], film: str, language: Language
) -> Iterator[str]:
    words, name = _WORDS[language], platform.names[language]
    yield from (words["title"].format(name=name), "")
    for state, head in (("bad", "mend"), ("warning", "look")):
        if broken := [rule for rule in found if rule.state == state]:
            yield from (words[head], *(f"  ! {_told(rule, language)}" for rule in broken), "")
    steps = [
        words["open"].format(url=platform.creator_url),
        words["film"].format(film=film),
        words["cover"].format(covers=", ".join(covers)),
        words["texts"],
        *([words["tags"]] if platform.tags.place == "field" else []),
        words["captions"],
        words["declare"].format(how=platform.declaration[language]),
        words["post"],
    ]
    yield from (f"[ ] {step}" for step in steps)
    yield from ("", words["source"].format(source=platform.source))


def _told(rule: Rule, language: Language) -> str:
    return rule.problem if language == "en" else _RULES[rule.name]

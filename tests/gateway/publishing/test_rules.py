"""Films and texts held against the rules of platforms."""

from dataclasses import replace

import pytest

from gateway.publishing.checklist import checklist
from gateway.publishing.platforms import BY_ID, PLATFORMS
from gateway.publishing.rules import Film, rules
from gateway.publishing.texts import Texts, described, length, tags_length

FILM = Film(width=1080, height=1920, duration_s=42.0, size_bytes=9_000_000, ai_label=True)
TEXTS = Texts(title="如何在一分钟内讲清楚", description="一句话。", tags=["gRPC", "模型 服务"])


def broken(platform: str, film: Film = FILM, texts: Texts = TEXTS) -> dict[str, str]:
    """Reasons of what is not kept, by the rule."""
    return {rule.name: rule.reason for rule in rules(BY_ID[platform], film, texts) if rule.state != "ok"}


@pytest.mark.parametrize("platform", [platform.id for platform in PLATFORMS])
def test_a_short_upright_film_fits_everywhere(platform):
    assert broken(platform) in ({}, {"shape": "BARS"})


def test_every_platform_has_its_words_and_its_page():
    assert [platform.id for platform in PLATFORMS] == list(BY_ID)
    for platform in PLATFORMS:
        assert set(platform.names) == set(platform.declaration) == {"en", "zh"}
        assert platform.creator_url.startswith("https://")
        assert any(platform.creator_url.split("/")[2].endswith(host) for host in platform.hosts)
        assert platform.covers
        assert platform.source


@pytest.mark.parametrize(
    ("platform", "film", "expected"),
    [
        ("tiktok", {"duration_s": 2.96}, {"length": "TOO_LITTLE"}),
        ("tiktok", {"duration_s": 600.04}, {"length": "TOO_MUCH"}),
        ("douyin", {"duration_s": 900.0}, {}),
        ("douyin", {"size_bytes": 4 * 10**9 + 1}, {"size": "TOO_MUCH"}),
        ("tiktok", {"width": 358, "height": 638}, {"sides": "TOO_LITTLE", "shape": "BARS"}),
        ("tiktok", {"width": 1080, "height": 1080}, {"shape": "BARS"}),
        ("youtube", {"width": 1920, "height": 1080}, {}),
        ("bilibili", {"ai_label": False}, {"declaration": "NO_LABEL"}),
    ],
)
def test_films_beyond_a_limit_are_told(platform, film, expected):
    assert broken(platform, replace(FILM, **film)) == expected


@pytest.mark.parametrize(
    ("platform", "texts", "expected"),
    [
        ("xiaohongshu", {"title": "字" * 20}, {}),
        ("xiaohongshu", {"title": "字" * 21}, {"title": "TOO_LONG"}),
        ("channels", {"title": "五个字的题"}, {"title": "TOO_SHORT"}),
        ("channels", {"title": ""}, {}),
        ("bilibili", {"title": "  "}, {"title": "MISSING"}),
        ("bilibili", {"tags": ["字" * 21]}, {"tags": "TAG_TOO_LONG"}),
        ("bilibili", {"tags": [str(number) for number in range(11)]}, {"tags": "TOO_MANY"}),
        ("youtube", {"description": "字" * 1667}, {"description": "TOO_LONG"}),  # 5,001 bytes
        ("youtube", {"title": "a < b"}, {"characters": "FORBIDDEN"}),
        ("tiktok", {"description": "🙂" * 1096, "tags": ["ab"]}, {}),  # 2,192 UTF-16 units, two ends of line, #ab
        ("tiktok", {"description": "🙂" * 1100, "tags": ["ab"]}, {"description": "TOO_LONG"}),
    ],
)
def test_texts_beyond_a_limit_are_told(platform, texts, expected):
    found = broken(platform, texts=Texts(**{**TEXTS.model_dump(), **texts}))
    assert {name: reason for name, reason in found.items() if name != "shape"} == expected


def test_what_is_counted_is_what_the_platform_counts():
    assert [length("é🙂字", unit) for unit in ("characters", "utf16", "bytes")] == [3, 4, 2 + 4 + 3]
    assert tags_length(["one", "two words"]) == len('one,"two words"')


def test_tags_are_words_without_a_mark_each_once():
    assert Texts(tags=["#gRPC", " grpc ", "", "a,b", "＃字"]).tags == ["gRPC", "a b", "字"]


def test_tags_stand_where_the_platform_has_them():
    assert described(TEXTS, BY_ID["douyin"]) == "一句话。\n\n#gRPC #模型服务"
    assert described(TEXTS, BY_ID["youtube"]) == "一句话。"


def test_the_checklist_begins_with_what_is_to_be_mended():
    platform, texts = BY_ID["bilibili"], Texts()
    found = rules(platform, replace(FILM, width=1080, height=1080), texts)
    english = checklist(platform, found, ["cover-1920x1200.jpg"], "film.mp4", "en").splitlines()
    assert english[:4] == ["Publish on Bilibili", "", "Mend first:", "  ! The title is missing: write one."]
    assert f"[ ] Open {platform.creator_url}" in english
    chinese = checklist(platform, found, ["cover-1920x1200.jpg"], "film.mp4", "zh")
    assert "请先修改：\n  ! 标题不符合字数要求" in chinese

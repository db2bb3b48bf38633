"""What each platform takes: the one table of its limits, covers and pages.

Platforms change their rules without notice, and some publish none: `source` says where a row comes from, and what is
not known is left out rather than guessed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

PlatformId = Literal["douyin", "xiaohongshu", "bilibili", "channels", "youtube", "tiktok"]
Unit = Literal["characters", "utf16", "bytes"]
"""What a platform counts: Unicode code points, UTF-16 code units (two for most emoji), or bytes of UTF-8."""

_GB, _HOUR_S = 10**9, 3600.0


class TextLimit(BaseModel):
    """How long a text may be."""

    most: int = Field(description="Longest text, in `unit`.")
    least: int = Field(default=0, description="Shortest text, if it is not empty.")
    unit: Unit = Field(default="characters", description="What is counted.")
    required: bool = Field(default=False, description="Whether it may not be empty.")


class TagLimit(BaseModel):
    """How many tags there may be, and how long."""

    most: int | None = Field(default=None, description="Most tags; null where only their length counts.")
    each: int | None = Field(default=None, description="Longest tag in characters.")
    together: int | None = Field(default=None, description="All tags in characters, with the commas between them.")
    place: Literal["description", "field"] = Field(
        description="Whether tags are written as #tag behind the description, and count there, or have a field."
    )


class CoverSize(BaseModel):
    """A cover as the platform shows it."""

    width: int = Field(description="Width in pixels.")
    height: int = Field(description="Height in pixels.")


class Platform(BaseModel):
    """What a platform takes."""

    id: PlatformId = Field(description="Name for programs.")
    names: dict[str, str] = Field(description="Display names by BCP 47 language.")
    creator_url: str = Field(description="Page on which a film is uploaded by hand.")
    hosts: list[str] = Field(description="Where posts have their addresses; subdomains too.")
    title: TextLimit | None = Field(description="Limits of the title; null where there is none.")
    description: TextLimit = Field(description="Limits of the description.")
    tags: TagLimit = Field(description="Limits of the tags.")
    forbidden: str = Field(default="", description="Characters that title and description may not have.")
    shortest_s: float = Field(default=0.0, description="Shortest film in seconds.")
    longest_s: float | None = Field(default=None, description="Longest film in seconds; null where none is known.")
    largest_bytes: int | None = Field(default=None, description="Largest file; null where none is known.")
    least_side_px: int = Field(default=0, description="Least width and height.")
    most_short_side_px: int | None = Field(
        default=None,
        description="Most of the shorter side; the pack has a larger film made smaller. Null where none is known.",
    )
    shapes: list[str] = Field(description="Shapes that fill its screen, best first; others are shown between bars.")
    covers: list[CoverSize] = Field(description="Covers in the sizes that it shows.")
    declaration: dict[str, str] = Field(description="How AI-made content is declared there, by BCP 47 language.")
    source: str = Field(description="Where these rules come from.")


PLATFORMS: tuple[Platform, ...] = (
    Platform(
        id="douyin",
        names={"en": "Douyin", "zh": "抖音"},
        creator_url="https://creator.douyin.com/creator-micro/content/upload",
        hosts=["douyin.com", "iesdouyin.com"],
        title=TextLimit(most=30),
        description=TextLimit(most=1000),
        tags=TagLimit(most=5, place="description"),
        longest_s=15 * 60,
        largest_bytes=4 * _GB,
        shapes=["9:16", "16:9"],
        covers=[CoverSize(width=1080, height=1440), CoverSize(width=1440, height=1080)],
        declaration={
            "en": "Choose 自主声明 (own declaration), then 内容由AI生成 (made by AI).",
            "zh": "在“自主声明”中选择“内容由AI生成”。",
        },
        source="open.douyin.com (length, size); texts as its upload page is known, not verified",
    ),
    Platform(
        id="xiaohongshu",
        names={"en": "Xiaohongshu", "zh": "小红书"},
        creator_url="https://creator.xiaohongshu.com/publish/publish",
        hosts=["xiaohongshu.com", "xhslink.com"],
        title=TextLimit(most=20),
        description=TextLimit(most=1000),
        tags=TagLimit(most=10, place="description"),
        longest_s=15 * 60,
        shapes=["3:4", "9:16", "1:1"],
        covers=[CoverSize(width=1080, height=1440)],
        declaration={
            "en": "Open 内容类型声明 (content type), then choose 笔记含AI合成内容 (holds AI-made content).",
            "zh": "在“内容类型声明”中选择“笔记含AI合成内容”。",
        },
        source="its upload page as it is known, not verified: no public documentation, and accounts differ",
    ),
    Platform(
        id="bilibili",
        names={"en": "Bilibili", "zh": "哔哩哔哩"},
        creator_url="https://member.bilibili.com/platform/upload/video/frame",
        hosts=["bilibili.com", "b23.tv"],
        title=TextLimit(most=80, required=True),
        description=TextLimit(most=2000),
        tags=TagLimit(most=10, each=20, place="field"),
        longest_s=5 * _HOUR_S,
        largest_bytes=4 * _GB,
        shapes=["16:9", "9:16"],
        covers=[CoverSize(width=1920, height=1200), CoverSize(width=1440, height=1080)],
        declaration={
            "en": "Under 更多设置 (more settings) open 创作声明 and choose the one for AI-made content.",
            "zh": "在“更多设置”的“创作声明”中选择“含AI生成内容”。",
        },
        source="openhome.bilibili.com (length, size, title); the rest as its upload page is known, not verified",
    ),
    Platform(
        id="channels",
        names={"en": "WeChat Channels", "zh": "微信视频号"},
        creator_url="https://channels.weixin.qq.com/platform/post/create",
        hosts=["weixin.qq.com"],
        title=TextLimit(least=6, most=16),
        description=TextLimit(most=1000),
        tags=TagLimit(place="description"),
        longest_s=8 * _HOUR_S,
        largest_bytes=20 * _GB,
        most_short_side_px=1080,
        shapes=["9:16", "3:4", "16:9"],
        covers=[CoverSize(width=1080, height=1440)],
        declaration={
            "en": "Open 声明 (declaration) and choose the one for AI-made content.",
            "zh": "在“声明”中选择“内容由AI生成”。",
        },
        source="its upload page as it is known, not verified: no public documentation",
    ),
    Platform(
        id="youtube",
        names={"en": "YouTube", "zh": "YouTube"},
        creator_url="https://studio.youtube.com/",
        hosts=["youtube.com", "youtu.be"],
        title=TextLimit(most=100, required=True),
        description=TextLimit(most=5000, unit="bytes"),
        tags=TagLimit(together=500, place="field"),
        forbidden="<>",
        longest_s=12 * _HOUR_S,
        largest_bytes=256 * _GB,
        shapes=["9:16", "16:9", "1:1"],
        covers=[CoverSize(width=1280, height=720)],
        declaration={
            "en": "Under “Altered content” answer Yes.",
            "zh": "在“加工的内容”（Altered content）中选择“是”。",
        },
        source="developers.google.com/youtube/v3/docs/videos",
    ),
    Platform(
        id="tiktok",
        names={"en": "TikTok", "zh": "TikTok"},
        creator_url="https://www.tiktok.com/tiktokstudio/upload",
        hosts=["tiktok.com"],
        title=None,
        description=TextLimit(most=2200, unit="utf16"),
        tags=TagLimit(most=5, place="description"),
        shortest_s=3,
        longest_s=10 * 60,
        largest_bytes=4 * _GB,
        least_side_px=360,
        shapes=["9:16"],
        covers=[CoverSize(width=1080, height=1920)],
        declaration={
            "en": "Turn on “AI-generated content”.",
            "zh": "打开“AI 生成内容”（AI-generated content）。",
        },
        source="developers.tiktok.com, Content Posting API (length, size, sides, text)",
    ),
)
"""In the order in which they are shown."""

BY_ID: dict[str, Platform] = {platform.id: platform for platform in PLATFORMS}

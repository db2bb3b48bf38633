"""Languages as BCP 47 tags name them."""

from __future__ import annotations


def primary_subtag(tag: str) -> str:
    """First part of a BCP 47 tag in small letters, "zh" for Mandarin, which tags also name "cmn"; "" for no tag."""
    primary = tag.lower().partition("-")[0]
    return "zh" if primary == "cmn" else primary

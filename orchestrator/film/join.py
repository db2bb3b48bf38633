"""Segments become one film by copying packets; nothing is encoded again."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from orchestrator.film.encode import FRAME_TIME, REORDER_FRAMES
from services.base.errors import InternalError


@dataclass(frozen=True)
class FilmSegment:
    """One segment's pictures: an MP4 of `frames` film frames, one H.264 stream, closed GOPs, no sound."""

    path: Path
    frames: int


@dataclass(frozen=True)
class VoiceSegment:
    """One segment's voice: a WAV file, int16 mono, no longer than `frames` film frames; the rest is silence."""

    path: Path
    frames: int


def join_film(
    segments: Sequence[FilmSegment], audio: Path | None, target: Path, metadata: Mapping[str, str] | None = None
) -> int:
    """Writes a faststart MP4 of the segments in order and the AAC stream of `audio`; returns its frames.

    `metadata` as from `metadata.film_metadata`. Raises InternalError when segments do not fit each other.
    """
    # Without use_metadata_tags an MP4 keeps only keys that Apple knows, and drops the AI record.
    options = {"movflags": "faststart+use_metadata_tags"}
    with av.open(str(target), "w", format="mp4", options=options) as film, ExitStack() as sources:
        film.metadata.update(metadata or {})
        pictures = add_picture_stream(film, segments[0])
        packets: list[Iterator[Packet[Any]]] = [_all_pictures(segments, pictures)]
        if audio is not None:
            sound = sources.enter_context(av.open(str(audio))).streams.audio[0]
            packets.append(_copied(sound, film.add_stream_from_template(sound, opaque=True)))
        # Merged by time, because the muxer would hold back one stream until the other comes.
        for packet in heapq.merge(*packets, key=decoding_time):
            film.mux(packet)
    return sum(segment.frames for segment in segments)


def add_picture_stream(container: OutputContainer, segment: FilmSegment) -> VideoStream:
    """A stream like the segment's."""
    with av.open(str(segment.path)) as source:
        return container.add_stream_from_template(source.streams.video[0], opaque=True)


def picture_packets(segment: FilmSegment, first_film_frame: int, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """A segment's packets, stamped for its place in the film.

    A fragment's own stamps are not used: short ones have no B-frame delay, long ones do.
    Raises InternalError when its header differs from the stream's or it has not one packet per frame.
    """
    with av.open(str(segment.path)) as source:
        own = source.streams.video[0]
        if own.codec_context.extradata != stream.codec_context.extradata:
            raise InternalError("A segment was encoded with other settings than the first one.")
        frame_ticks = int(FRAME_TIME / (own.time_base or FRAME_TIME))
        first_pts = None
        index = -1
        for index, packet in enumerate(packet for packet in source.demux(own) if packet.size):
            pts = packet.pts or 0
            first_pts = pts if first_pts is None else first_pts  # a closed GOP shows its first packet first
            packet.pts = first_film_frame + (pts - first_pts) // frame_ticks
            packet.dts = first_film_frame + index - REORDER_FRAMES
            packet.duration, packet.time_base, packet.stream = 1, FRAME_TIME, stream
            yield packet
    if index + 1 != segment.frames:
        raise InternalError(f"A segment of {segment.frames} frames has {index + 1} packets.")


def _all_pictures(segments: Sequence[FilmSegment], stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    first_film_frame = 0
    for segment in segments:
        yield from picture_packets(segment, first_film_frame, stream)
        first_film_frame += segment.frames


def _copied(source: AudioStream, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    assert isinstance(source.container, InputContainer)
    for packet in source.container.demux(source):
        if packet.size:
            packet.stream = stream
            yield packet


def decoding_time(packet: Packet[Any]) -> float:
    """When a packet is decoded, in seconds; packets of several streams are merged by it."""
    return float((packet.dts or 0) * packet.time_base)

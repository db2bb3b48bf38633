"""The finished prefix of a film as a fragmented MP4 that a browser plays while it grows: pictures and voice.

Nothing that was written changes when more is appended, so that a file can be served by byte ranges as it grows.
"""

from __future__ import annotations

import heapq
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.packet import Packet

from orchestrator.film.join import FilmSegment, VoiceSegment, add_picture_stream, decoding_time, picture_packets
from orchestrator.film.voice_track import padded_pcm, pcm_frames, sample_rate_hz
from services.media.mpeg import top_boxes
from services.media.sound import AAC_BIT_RATE, AAC_OPTIONS, SOUND_RATE_HZ

_OPTIONS = {
    # Each segment is muxed by itself: delay_moov gives it the header of a stream that has B-frames and AAC's
    # priming, frag_discont lets it begin at its place in the film.
    "movflags": "delay_moov+default_base_moof+frag_discont+frag_keyframe+skip_trailer",
    "avoid_negative_ts": "disabled",
}


class PreviewWriter:
    """Makes finished segments into the fragments of one MP4, which is playable after each of them."""

    def __init__(self, comment: str = "") -> None:
        """`comment` is kept in the file's metadata."""
        self._comment = comment
        self._fragments = 0
        self._samples = 0
        # One encoder for all voices. It keeps back their last 40 ms until the next one comes.
        self._encoder = av.CodecContext.create("aac", "w")
        assert isinstance(self._encoder, AudioCodecContext)
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = SOUND_RATE_HZ, "mono", "fltp"
        self._encoder.bit_rate, self._encoder.options = AAC_BIT_RATE // 2, AAC_OPTIONS
        self.frames = 0

    def add(self, segment: FilmSegment, voice: VoiceSegment, file: BinaryIO) -> None:
        """Appends a segment with its voice to `file`, which holds those before it."""
        piece = io.BytesIO()
        self._mux(segment, voice, piece)
        boxes = list(top_boxes(piece, len(piece.getbuffer())))
        moofs = [box.start for box in boxes if box.kind == b"moof"]
        file.write(piece.getbuffer()[moofs[0] if self._fragments else 0 :])
        self._fragments += len(moofs)
        self.frames += segment.frames

    def _mux(self, segment: FilmSegment, voice: VoiceSegment, piece: io.BytesIO) -> None:
        options = {**_OPTIONS, "fragment_index": str(self._fragments + 1)}
        with av.open(piece, "w", format="mp4", options=options) as container:
            container.metadata["comment"] = self._comment
            pictures = add_picture_stream(container, segment)
            sound = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="mono")
            packets: list[Iterator[Packet[Any]]] = [picture_packets(segment, self.frames, pictures)]
            packets.append(self._voice_packets(voice, sound))
            for packet in heapq.merge(*packets, key=decoding_time):
                container.mux(packet)

    def _voice_packets(self, voice: VoiceSegment, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
        rate_hz = sample_rate_hz(voice.path)
        for frame in pcm_frames(padded_pcm(voice, rate_hz), rate_hz, self._samples):
            self._samples += frame.samples
            for packet in self._encoder.encode(frame):
                packet.stream = stream
                yield packet


def write_preview(
    segments: Sequence[FilmSegment], voices: Sequence[VoiceSegment], target: Path, comment: str = ""
) -> int:
    """Writes the finished segments, in order, as one fragmented MP4; returns its frames."""
    preview = PreviewWriter(comment)
    with target.open("wb") as file:
        for segment, voice in zip(segments, voices, strict=True):
            preview.add(segment, voice, file)
    return preview.frames

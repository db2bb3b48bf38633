"""A take is one writer's samples for several readers."""

import asyncio

import pytest

from orchestrator.making.take import Take
from services.base.errors import InternalError

RATE_HZ = 24_000


async def read(take: Take, chunk_samples: int) -> bytes:
    return b"".join([chunk async for chunk in take.chunks(chunk_samples)])


@pytest.mark.parametrize("chunk_samples", [1, 7, 1000, 100_000])
async def test_every_reader_gets_every_sample(chunk_samples: int) -> None:
    take = Take(RATE_HZ)
    readers = [asyncio.create_task(read(take, chunk_samples)) for _ in range(2)]
    for part in (b"\1\2" * 10, b"\3\4" * 700, b"\5\6"):
        take.append(part)
        await asyncio.sleep(0)
    take.close()
    first, second = await asyncio.gather(*readers)
    assert first == second == await read(take, chunk_samples)
    assert first.startswith(b"\1\2" * 10 + b"\3\4" * 700 + b"\5\6")


def test_a_take_ends_on_a_whole_frame_with_the_pause_inside() -> None:
    take = Take(RATE_HZ)
    take.append(b"\1\1" * 961)
    take.close(pause_s=0.1)
    assert take.frames == 4  # 961 + 2400 samples at 960 a frame
    assert take.samples == 4 * 960


def test_a_take_survives_being_kept() -> None:
    take = Take(RATE_HZ)
    take.append(bytes(range(200)) * 96)
    take.close()
    again = Take.from_wav(take.wav())
    assert (again.wav(), again.frames, again.sample_rate_hz, again.closed) == (take.wav(), take.frames, RATE_HZ, True)


def test_a_stereo_file_is_no_take() -> None:
    take = Take(RATE_HZ)
    take.close()
    wav = bytearray(take.wav())
    wav[22] = 2  # channels
    with pytest.raises(InternalError):
        Take.from_wav(bytes(wav))

"""The limited child: what it may use, and what its end means."""

import contextlib
import os
import signal
import threading
import time

import pytest

from services.base.errors import CancelledError, InternalError, InvalidInputError, UnavailableError
from services.media.confinement.task import Limits
from services.media.sandbox import run_limited as run


def add(left, right):
    return left + right


def refuse():
    raise InvalidInputError("No.", "Yes.", "it", "NO")


def stumble():
    raise KeyError("a secret path")


def crash():
    os.abort()


def fill_memory():
    return len(bytearray(1 << 30))


def spin():
    while True:
        pass


def die_slowly():
    """As spinning ends where the kernel, having closed the way to the parent, has no time to finish it."""
    for handle in range(3, 20):
        with contextlib.suppress(OSError):
            os.close(handle)
    time.sleep(1)
    signal.raise_signal(signal.SIGXCPU)


def be_killed_once(path):
    """As by somebody from outside, while the file is empty."""
    if not path.stat().st_size:
        path.write_text("tried")
        signal.raise_signal(signal.SIGKILL)
    return path.read_text()


def be_killed():
    signal.raise_signal(signal.SIGTERM)


def wait():
    time.sleep(600)


def freeze():
    signal.raise_signal(signal.SIGSTOP)


def tell(progress):
    for number in range(12):
        time.sleep(0.5)
        progress(number, 12)


def write_file(path, size):
    path.write_bytes(bytes(size))


def count(progress):
    for number in range(1, 4):
        progress(number, 3)
    return "counted"


def parent():
    return os.getpid(), os.getppid()


def run_limited(function, *args, **settings):
    return run(f"{__name__}:{function.__name__}", *args, returns=object, **settings)


def test_result_comes_back_from_another_process():
    assert run_limited(add, 2, 3) == 5
    child, its_parent = run_limited(parent)  # type: ignore[misc]
    assert its_parent == os.getpid() != child


def test_progress_is_relayed():
    seen = []
    assert run_limited(count, progress=lambda done, total: seen.append((done, total))) == "counted"
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_typed_errors_come_through_and_others_without_internals():
    with pytest.raises(InvalidInputError) as raised:
        run_limited(refuse)
    assert (raised.value.field, raised.value.reason) == ("it", "NO")
    with pytest.raises(InternalError) as stumbled:
        run_limited(stumble)
    assert "secret" not in str(stumbled.value)


@pytest.mark.parametrize(
    ("function", "limits", "reason"),
    [
        (crash, Limits(), "FILE_BROKEN"),
        (be_killed, Limits(), "FILE_BROKEN"),
        (fill_memory, Limits(memory_bytes=512 << 20), "FILE_TOO_LARGE"),
        (spin, Limits(cpu_s=1), "FILE_TOO_SLOW"),
        (die_slowly, Limits(), "FILE_TOO_SLOW"),
        (wait, Limits(wall_s=0.5), "FILE_TOO_SLOW"),
    ],
)
def test_every_limit_is_an_error_of_the_field(function, limits, reason):
    with pytest.raises(InvalidInputError) as raised:
        run_limited(function, limits=limits, field="music")
    assert (raised.value.reason, raised.value.field) == (reason, "music")


def test_nothing_large_is_written(tmp_path):
    with pytest.raises(InternalError):
        run_limited(write_file, tmp_path / "a", 10_000, writes=(tmp_path / "a",), limits=Limits(written_bytes=100))
    assert (tmp_path / "a").stat().st_size <= 100


def test_cancel_ends_the_child():
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    with pytest.raises(CancelledError):
        run_limited(wait, cancelled=cancelled)


@pytest.mark.fault(
    "decoder or encoder that stands still",
    promised="Ended after 30 s without a sign of life (a frame: 60 s) and tried again; the file is not blamed.",
)
def test_a_frozen_child_is_ended_and_the_file_is_not_to_blame():
    with pytest.raises(UnavailableError) as caught:
        run(f"{__name__}:freeze", returns=type(None), limits=Limits(stall_s=1))
    assert caught.value.reason == "STALLED"
    assert caught.value.retryable


def test_a_child_that_tells_progress_or_computes_does_not_stand_still():
    told = []
    run(f"{__name__}:tell", returns=type(None), limits=Limits(stall_s=4), progress=lambda *seen: told.append(seen))
    assert len(told) == 12
    with pytest.raises(InvalidInputError) as caught:
        run(f"{__name__}:spin", returns=type(None), limits=Limits(stall_s=4, cpu_s=6))
    assert caught.value.reason == "FILE_TOO_SLOW"


def test_a_file_is_not_to_blame_when_its_reader_is_killed_from_outside(tmp_path):
    path = tmp_path / "file"
    assert run_limited(be_killed_once, path, writes=(path,)) == "tried"

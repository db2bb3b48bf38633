"""How OpenCV's threads wait for work: asleep, since other processes of the mesh need the cores."""

from __future__ import annotations

import os

_SPINNING = ("OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER", "OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN")


def let_opencv_threads_sleep() -> None:
    """Keeps them from spinning between two calls. Call it before OpenCV is loaded, which reads this only then.

    By default each spins for thousands of rounds after every call: measured a fifth of the processor time of a process
    that makes one small call a frame, taken from whoever else has work.
    """
    for name in _SPINNING:
        os.environ.setdefault(name, "0")

"""CUDA graphs where there is no CUDA: what is recorded is done again, into the same tensors."""

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor

Result = TypeVar("Result")


def rerun(work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
    """A Recorder (services.runtime.cuda); like a graph it keeps its inputs and overwrites its results."""
    result = work()

    def replay() -> None:
        for kept, new in zip(_tensors(result), _tensors(work()), strict=True):
            kept.copy_(new)

    return replay, result


def _tensors(result: object) -> tuple[Tensor, ...]:
    if isinstance(result, tuple):
        return result
    return (result,) if isinstance(result, Tensor) else ()

"""CUDA graphs where there is no CUDA: what is recorded is done again, into the same tensors."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Result = TypeVar("Result")

_REFUSED_TAGS = {
    torch.Tag.data_dependent_output,  # the host waits for a value
    torch.Tag.dynamic_output_shape,  # the host waits for a size
    torch.Tag.nondeterministic_seeded,  # numbers drawn while recording
}
_REFUSED = {"item", "is_nonzero", "lift_fresh"}  # two that wait, and numbers from the host
_WITHOUT_DROPOUT = "scaled_dot_product"


class UnrecordableError(Exception):
    """What a CUDA graph cannot hold."""


class Recording(TorchDispatchMode):
    """Refuses what would break a recording on a GPU, or be the same in every replay."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in _REFUSED or (_REFUSED_TAGS & set(func.tags) and not _is_harmless(name, args)):
            raise UnrecordableError(f"{func} in a recording")
        return func(*args, **(kwargs or {}))


def _is_harmless(name: str, args: tuple[Any, ...]) -> bool:
    """Places that are numbers have a known size, and attention without dropout draws nothing."""
    if name == "index":
        return all(places is None or places.dtype is not torch.bool for places in args[1])
    return _WITHOUT_DROPOUT in name


def checked(work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
    """As `rerun`; raises UnrecordableError. Not for compiled work, which no mode may look into."""
    with Recording():
        work()
    return rerun(work)


def rerun(work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
    """A Recorder (services.enginekit.cuda); like a graph it keeps its inputs and overwrites its results."""
    result = work()

    def replay() -> None:
        for kept, new in zip(_tensors(result), _tensors(work()), strict=True):
            kept.copy_(new)

    return replay, result


def _tensors(result: object) -> tuple[Tensor, ...]:
    if isinstance(result, tuple):
        return result
    return (result,) if isinstance(result, Tensor) else ()

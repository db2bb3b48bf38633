"""A pretended GPU: code written for CUDA runs with real numbers on a processor, and fails where a card would refuse it.

Inside `pretended_cuda()` there is one device "cuda", whose tensors hold tensors of the processor. There

- tensors of two devices that meet in one operation raise, unless they are plain numbers (no dimensions) or indices;
- so do `.numpy()` of a device tensor, a generator of the other device, and whole numbers in matrix products;
- a CUDA graph records operations without doing them, and refuses those that wait for the device, copy from or to the
  host, or draw numbers; a replay does them again on the same tensors, whatever Python's variables are by then;
- streams and events exist and do nothing.

It cannot show what the kernels of a card compute, how fast, in how much memory, or what else they refuse; nor races
between streams. `torch.compile` gives functions back as they are: no compiler knows these tensors.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

CUDA, CPU = torch.device("cuda:0"), torch.device("cpu")

_COPIES = {"_to_copy", "copy_"}
_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
_PRODUCTS = {"matmul", "linear", "conv1d", "conv2d", "conv_transpose1d"}
_FRACTIONS_ONLY = _PRODUCTS | {"mm", "bmm", "addmm", "baddbmm", "mv", "addmv", "dot", "convolution", "grid_sampler_2d"}
_WHOLE = _PRODUCTS | {"scaled_dot_product_attention", "rms_norm", "layer_norm", "group_norm"}  # parts round otherwise
_IN_PARTS = torch._C.DispatchKey.CompositeImplicitAutograd  # operations that torch makes of others on every device
_WAITING = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape, torch.Tag.nondeterministic_seeded}


class CudaTensor(Tensor):
    """Says that it is on CUDA; its numbers are those of `held`, which is on the CPU."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> Self:
        with torch.inference_mode(mode=False):  # else a view of a tensor from outside could not be one from inside
            made = torch.Tensor._make_wrapper_subclass(
                cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=CUDA
            )
        made.held = held
        return made

    def __format__(self, specification: str) -> str:
        return format(self.held, specification)

    def __repr__(self) -> str:  # type: ignore[override]
        return f"{self.held!r} on {self.device}"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _dispatched(func, args, kwargs or {})


class CudaGenerator(torch.Generator):
    """Says that it is on CUDA; draws what the CPU's draws."""

    device = CUDA


class CudaGraph:
    """What torch.cuda.CUDAGraph does, with the operations themselves for kernels."""

    recording: ClassVar[CudaGraph | None] = None

    def __init__(self) -> None:
        self._operations: list[tuple[Callable[..., Any], Any, Any, list[Tensor]]] = []
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    @contextmanager
    def record(self) -> Iterator[None]:
        """Nothing is done while recording: what was written then is put back, and new tensors hold no numbers yet."""
        CudaGraph.recording = self
        try:
            yield
        finally:
            CudaGraph.recording = None
            with _plainly():
                for *_, made in self._operations:
                    for tensor in made:
                        tensor.fill_(float("nan") if tensor.is_floating_point() else 0)
                for storage, numbers in self._before.values():
                    storage.copy_(numbers)

    def do(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Takes an operation on tensors of the CPU in, and gives what it returned."""
        given = {
            storage.data_ptr(): storage for storage in map(Tensor.untyped_storage, _tensors((args, *kwargs.values())))
        }
        if func._schema.is_mutable:
            self._before |= {at: (s, s.clone()) for at, s in given.items() if at not in self._before}
        result = func(*args, **kwargs)
        made = [tensor for tensor in _tensors(result) if tensor.untyped_storage().data_ptr() not in given]
        self._operations.append((func, args, kwargs, made))
        return result

    def replay(self) -> None:
        """Does everything again, into the same tensors."""
        with _plainly():
            for func, args, kwargs, made in self._operations:
                again = _tensors(func(*args, **kwargs))
                for tensor, new in zip(made, again[-len(made) :] if made else (), strict=True):
                    tensor.copy_(new)


class _Pretending(TorchDispatchMode):
    """Sees what makes tensors of the device from nothing, or from those of the processor."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _dispatched(func, args, kwargs or {})


class _Calls(TorchFunctionMode):
    """What torch does before any operation: it asks a driver which card "cuda" is, and refuses lists of subclasses."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.tolist:
            return func(args[0].cpu())
        numbered = {name: _numbered(value) for name, value in (kwargs or {}).items()}
        result = func(*map(_numbered, args), **numbered)
        if (generator := numbered.get("generator")) and generator.device.type != result.device.type:
            raise RuntimeError(f"{func}: expected a generator of {result.device}, found one of {generator.device}")
        return result


def _numbered(value: Any) -> Any:
    return CUDA if type(value) in (str, torch.device) and str(value) == "cuda" else value


def _dispatched(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = _tensors((args, *kwargs.values()))
    target = torch.device(kwargs.get("device") or (CUDA if _any_cuda(tensors) else CPU))
    if _name(func) not in _WHOLE and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), _IN_PARTS):
        with _Pretending():
            return func._op_dk(_IN_PARTS, *args, **kwargs)
    kwargs.pop("pin_memory", None)
    if target.type != "cuda" and not _any_cuda(tensors):
        return func(*args, **kwargs)
    _check(func, args, tensors, target)
    if "device" in kwargs:
        kwargs = kwargs | {"device": CPU}
    given, named = _each(_held, args), {name: _each(_held, value) for name, value in kwargs.items()}
    if _name(func) == "_softmax" and given[2]:  # from 16 bits into float32, which only a card does in one go
        given = given[0].float(), given[1], False
    graph = CudaGraph.recording
    result = func(*given, **named) if graph is None else graph.do(func, given, named)
    known = {id(_held(tensor)): tensor for tensor in tensors if _name(func) != "_to_copy"}
    if torch.Tag.inplace_view in func.tags:
        with no_dispatch():
            func(*args, **kwargs)
    return _each(lambda value: _shown(value, known, target), result)


def _shown(value: Any, known: dict[int, Tensor], target: torch.device) -> Any:
    """What code on the device sees of a result; a tensor that was an argument is that argument again."""
    if not isinstance(value, Tensor) or id(value) in known:
        return known.get(id(value), value)
    return CudaTensor(value) if target.type == "cuda" else value


def _check(func: Any, args: tuple[Any, ...], tensors: list[Tensor], target: torch.device) -> None:
    name = _name(func)
    if (target.index or 0) >= torch.cuda.device_count():
        raise RuntimeError("CUDA error: invalid device ordinal")
    if CudaGraph.recording is not None:
        _check_recordable(func, name, args, tensors, target)
    if name not in _COPIES and len({tensor.device for tensor in _meeting(func, args, tensors)}) > 1:
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, found cuda:0 and cpu")
    if name in _FRACTIONS_ONLY and any(not tensor.is_floating_point() for tensor in tensors):
        raise NotImplementedError(f"{func} is not implemented for whole numbers on CUDA")


def _check_recordable(func: Any, name: str, args: Any, tensors: list[Tensor], target: torch.device) -> None:
    refused = bool(_WAITING & set(func.tags)) and name not in _WHOLE  # attention draws for a dropout only
    if name in _INDEXED:
        refused = any(places.dtype in (torch.bool, torch.uint8) for places in _tensors(args[1]))
    if name in _COPIES:
        refused = len({target, *(tensor.device for tensor in tensors)}) > 1
    if refused or name in ("_local_scalar_dense", "equal"):
        raise RuntimeError(f"{func}: CUDA error: operation not permitted when stream is capturing")


def _meeting(func: Any, args: tuple[Any, ...], tensors: list[Tensor]) -> list[Tensor]:
    """Tensors that must lie on one device: not the processor's numbers and indices."""
    free = _tensors(args[1]) if _name(func) in _INDEXED else []
    if torch.Tag.pointwise in func.tags or _name(func) == "fill_":
        free = [
            tensor for tensor in tensors if not tensor.dim() and not (func._schema.is_mutable and tensor is args[0])
        ]
    return [tensor for tensor in tensors if tensor.is_cuda or not any(tensor is each for each in free)]


def _name(func: Any) -> str:
    return str(func.overloadpacket.__name__)


def _tensors(values: Any) -> list[Tensor]:
    """Tensors among arguments or results, and in lists of them; torch's own walk of a tree takes most of the time."""
    if isinstance(values, list | tuple):
        return [tensor for value in values for tensor in _tensors(value)]
    return [values] if isinstance(values, Tensor) else []


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    return type(value)(_each(change, each) for each in value) if type(value) in (list, tuple) else change(value)


def _any_cuda(tensors: list[Tensor]) -> bool:
    return any(isinstance(tensor, CudaTensor) for tensor in tensors)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, CudaTensor) else value


@contextmanager
def _plainly() -> Iterator[None]:
    with _disable_current_modes(), torch.inference_mode():
        yield


class _Generator(torch.Generator):
    def __new__(cls, device: torch.device | str = "cpu") -> torch.Generator:
        return super().__new__(CudaGenerator if torch.device(device).type == "cuda" else cls)


class _Idle:
    """A stream or an event of a device whose work is done when it is asked for."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def nothing(self, *_: Any, **__: Any) -> None: ...

    wait_stream = wait_event = record = synchronize = nothing


_run_thread = threading.Thread.run
_TORCH_CUDA = {
    **dict.fromkeys(("_lazy_init", "empty_cache", "synchronize", "reset_peak_memory_stats"), lambda *_: None),
    **dict.fromkeys(("memory_reserved", "memory_allocated", "max_memory_reserved"), lambda *_: 0),
    **dict.fromkeys(("is_available", "is_initialized"), lambda: True),
    **dict.fromkeys(("Stream", "Event", "current_stream"), _Idle),
    **dict.fromkeys(("device", "stream"), lambda _: nullcontext()),
    "manual_seed_all": lambda seed: None,
    "device_count": lambda: 1,
    "get_device_name": lambda _: "pretended",
    "get_device_capability": lambda _: (9, 0),
    "graph_pool_handle": lambda: (0, 0),
    "CUDAGraph": CudaGraph,
    "graph": lambda graph, **_: graph.record(),
}


def _run_pretending(thread: threading.Thread) -> None:
    with _Pretending(), _Calls():
        _run_thread(thread)


@contextmanager
def _device_guard() -> Iterator[None]:
    """What C++ code asks to make a device the current one: where torch was built without CUDA, the processor's."""
    torch._C._ensureCUDADeviceGuardSet()  # built with CUDA, but there is no card: one that does nothing
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib/libc10.so"))
    guards = (ctypes.c_void_p * 2).in_dll(library, "_ZN3c104impl26device_guard_impl_registryE")
    before = guards[1]  # by c10::DeviceType: 0 is CPU, 1 is CUDA
    guards[1] = before or guards[0]
    try:
        yield
    finally:
        guards[1] = before


@contextmanager
def pretended_cuda() -> Iterator[torch.device]:
    """Gives the device; for this thread and those that begin inside."""
    lifting = torch._C._only_lift_cpu_tensors()
    with ExitStack() as stack:
        stack.enter_context(patch.multiple(torch.cuda, **_TORCH_CUDA))
        stack.enter_context(patch.multiple(torch, Generator=_Generator, compile=lambda function, **_: function))
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, False)
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # else modules change only the outside
        stack.callback(torch._C._set_only_lift_cpu_tensors, lifting)
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor: numbers on the CPU first, then their way seen
        stack.enter_context(_device_guard())
        stack.enter_context(patch.object(threading.Thread, "run", _run_pretending))
        stack.enter_context(_Pretending())
        stack.enter_context(_Calls())
        yield CUDA

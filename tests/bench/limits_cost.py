"""Counting the least work of a network from its shapes, on the meta device: no weights, no GPU.

Counted are the products (convolutions, linear layers, attention), a multiply-add as two. Bytes are what they read and
write in 16-bit numbers if everything between them is fused into them: weights once a call, inputs and outputs once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor
from torch.overrides import TorchFunctionMode

DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"
CARD, CARD_FLOPS, CARD_BYTES_PER_S = "H200 SXM", 989e12, 4.8e12  # NVIDIA's data sheet: dense 16 bit, memory bandwidth


@dataclass(frozen=True)
class Cost:
    """Floating-point operations, and bytes to and from the device's memory."""

    flops: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times: float) -> Cost:
        return Cost(self.flops * times, self.bytes * times)

    def seconds(self, flops_per_s: float = CARD_FLOPS, bytes_per_s: float = CARD_BYTES_PER_S) -> float:
        """The least time: whichever of both takes longer."""
        return max(self.flops / flops_per_s, self.bytes / bytes_per_s)


class _Counter(TorchFunctionMode):
    """Adds up the products that are called."""

    def __init__(self) -> None:
        self.cost = Cost()

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in {F.linear, torch.conv1d, torch.conv2d}:
            self._add(2 * result.numel() * args[1][0].numel(), (*args[:3], result))
        elif function is torch.conv_transpose1d:
            self._add(2 * args[0].numel() * args[1][0].numel(), (*args[:3], result))
        elif function is F.scaled_dot_product_attention:
            self._add(4 * args[0].numel() * args[1].shape[-2], (*args[:3], result))
        return result

    def _add(self, flops: float, tensors: Sequence[Any]) -> None:
        size = sum(tensor.numel() * 2 for tensor in tensors if isinstance(tensor, Tensor))
        self.cost += Cost(flops, size)


@contextmanager
def counted() -> Iterator[_Counter]:
    """Counts the products called inside."""
    with torch.inference_mode(), torch.device("meta"), _Counter() as counter:
        yield counter


def row(*cells: object) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def header(*names: str) -> list[str]:
    """The first two lines of one."""
    return [row(*names), "|" + "---|" * len(names)]


def written(name: str) -> str:
    """What docs/limits.md holds between the marks of `name`."""
    return _marked(name, DOCUMENT.read_text(encoding="utf-8"))[2].strip()


def main(name: str, section: Callable[[], str]) -> None:
    """Prints the section, or with --write puts it between its marks in docs/limits.md."""
    tables = section()
    if "--write" not in sys.argv:
        print(tables)
        return
    document = DOCUMENT.read_text(encoding="utf-8")
    found = _marked(name, document)
    DOCUMENT.write_text(f"{document[: found.start(2)]}\n{tables}\n{document[found.end(2) :]}", encoding="utf-8")


def _marked(name: str, document: str) -> re.Match[str]:
    found = re.search(f"(<!-- {name} -->)(.*?)(<!-- /{name} -->)", document, re.DOTALL)
    assert found
    return found

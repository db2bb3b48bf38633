import threading

import numpy as np
import pytest
import torch

from services.enginekit.cuda import CudaGraphs
from tests.support.pretend_cuda import CUDA, CudaTensor, pretended_cuda


@pytest.fixture(autouse=True)
def _pretended():
    with pretended_cuda():
        yield


def ones(*shape):
    return torch.ones(shape, device="cuda")


def test_what_is_computed_on_the_device_stays_there_and_is_right():
    found = torch.nn.Linear(3, 2).to("cuda").half()(torch.from_numpy(np.ones(3, np.float16)).to("cuda"))
    assert (type(found), found.device, found.dtype, found.shape) == (CudaTensor, CUDA, torch.float16, (2,))
    assert (ones(2) + torch.tensor([1.0, 2.0], device="cuda")).tolist() == [2.0, 3.0]
    assert float((ones(2, 3).transpose(0, 1) @ ones(2)).sum()) == 6.0
    assert ones(2).cpu().numpy().sum() == 2.0
    assert torch.full((1,), 2.0).copy_(ones(1)).device.type == "cpu"


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: ones(3) + torch.ones(3),
        lambda: torch.ones(()).add_(ones()),
        lambda: torch.cat((ones(3), torch.ones(3))),
        lambda: torch.ones(3)[ones(1).long()],
        lambda: torch.nn.functional.embedding(torch.tensor([1]), ones(2, 3)),
        lambda: torch.nn.Linear(3, 2)(ones(3)),
        lambda: ones(3).numpy(),
        lambda: np.asarray(ones(3)),
        lambda: torch.rand(3, device="cuda", generator=torch.Generator()),
        lambda: torch.rand(3, generator=torch.Generator("cuda")),
        lambda: ones(3, 3).long() @ ones(3, 3).long(),
        lambda: torch.ones(1, device="cuda:7"),
    ],
)
def test_what_a_card_refuses_is_refused(mistake):
    with pytest.raises((RuntimeError, NotImplementedError)):
        mistake()


def test_numbers_and_indices_of_the_processor_may_be_used():
    assert (ones(3) * torch.tensor(2.0)).tolist() == [2.0] * 3
    assert ones(3)[torch.tensor([0, 2])].tolist() == [1.0] * 2


def test_other_threads_reach_the_device():
    found = []
    thread = threading.Thread(target=lambda: found.append(ones(1).device))
    thread.start()
    thread.join(10)
    assert found == [CUDA]


def test_a_graph_does_nothing_until_it_is_replayed_and_then_without_python():
    step, count, factors = torch.zeros(2, device="cuda"), ones(), [3.0]

    def work():
        step.add_(count)
        return step * factors[0]

    replay, result = CudaGraphs(CUDA).record(work)
    assert step.tolist() == [3.0, 3.0]  # three runs to warm up
    assert result.isnan().all()
    factors[0] = 100.0
    count.fill_(2.0)
    replay()
    assert (step.tolist(), result.tolist()) == ([5.0, 5.0], [15.0, 15.0])


@pytest.mark.parametrize(
    "work",
    [
        lambda kept: kept.sum().item(),
        lambda kept: kept.cpu(),
        lambda kept: kept[kept > 0],
        lambda kept: kept.nonzero(),
        lambda kept: kept.copy_(torch.ones(2)),
        lambda kept: kept + torch.tensor([1.0, 2.0], device="cuda"),
        lambda kept: torch.rand(2, device="cuda"),
    ],
)
def test_a_graph_refuses_to_wait_to_copy_and_to_draw(work):
    kept = ones(2)
    with pytest.raises(RuntimeError, match="capturing"):
        CudaGraphs(CUDA).record(lambda: work(kept))
    assert kept.tolist() == [1.0, 1.0]

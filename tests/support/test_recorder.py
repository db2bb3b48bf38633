import pytest
import torch

from tests.support.recorder import UnrecordableError, checked, rerun

NUMBERS = torch.arange(6.0)


@pytest.mark.parametrize(
    "work",
    [
        lambda: NUMBERS.sum().item(),
        lambda: bool(NUMBERS.any()),
        lambda: NUMBERS[NUMBERS > 2],
        NUMBERS.nonzero,
        lambda: NUMBERS[[0, 2]],
        lambda: torch.tensor([1.0, 2.0]),
        lambda: torch.randn(2),
        lambda: NUMBERS.clone().exponential_(),
    ],
)
def test_what_a_gpu_could_not_record_is_refused(work):
    with torch.inference_mode(), pytest.raises(UnrecordableError, match="in a recording"):
        checked(work)


@pytest.mark.parametrize("record", [checked, rerun])
@torch.inference_mode()
def test_a_repetition_reads_its_inputs_anew_and_overwrites_its_result(record):
    given, places = torch.arange(4.0), torch.tensor([3, 1])
    replay, result = record(lambda: given[places] * 2)
    given.add_(10)
    assert result.tolist() == [6, 2]
    replay()
    assert result.tolist() == [26, 22]

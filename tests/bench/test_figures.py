"""What a bench reports, and how it looks at processes."""

import subprocess
import sys

import psutil
import pytest

from tests.bench.figures import NONE, Figure, table
from tests.bench.processes import Peak, forget_peak, peak_mib, pss_mib

_HOLDS = "import sys; held = bytearray(b'x') * (64 << 20); print(flush=True); sys.stdin.read()"


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (Figure("a", 0.9, ">= 0.85", "so"), "| `a` | 0.900 | >= 0.85 | yes | so |"),
        (Figure("a", 1.2, "<= 1.1", "so"), "| `a` | 1.200 | <= 1.1 | no | so |"),
        (Figure("a", 1.2, NONE, "so"), "| `a` | 1.200 | - | - | so |"),
        (Figure("a", None, "<= 1.1", "not here"), "| `a` | - | <= 1.1 | - | not here |"),
    ],
)
def test_a_figure_is_a_line(figure: Figure, told: str) -> None:
    assert table([figure]).splitlines()[2:] == [told]


def test_peaks_are_of_all_children_and_can_be_forgotten() -> None:
    me = psutil.Process()
    with Peak(me.pid) as peak, subprocess.Popen([sys.executable, "-c", _HOLDS], stdin=-1, stdout=-1) as child:
        assert child.stdout
        child.stdout.readline()
        held = psutil.Process(child.pid)
        while peak.mib < pss_mib(me) + 60:
            pass
        assert peak_mib(held) > 64
        forget_peak(held)
        assert peak_mib(held) < 64 + 40

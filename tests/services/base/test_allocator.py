import subprocess
import sys

_FAULTS = """
import resource, sys
from services.base.allocator import keep_large_blocks
if "keep" in sys.argv:
    keep_large_blocks()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    copies = [b"x" * size for size in range(480_000, 484_000, 1000)]
    del copies
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(*arguments: str) -> int:
    command = [sys.executable, "-c", _FAULTS, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)


def test_memory_of_a_patch_is_used_again_for_the_next_one() -> None:
    assert _page_faults() > 10_000, "memory of this size is kept anyway: nothing to prove"
    assert _page_faults("keep") < 2_000  # four patches have 468 pages


_RESIDENT = """
import resource, threading
from services.base.allocator import give_back, keep_small_blocks
keep_small_blocks()
def resident(): return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def work(): blocks = [b"x" * 1_000_000 for _ in range(100)]
before = resident()
for _ in range(4):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
give_back()
print(resident() - before)
"""


def test_what_threads_have_freed_is_given_back() -> None:
    shown = subprocess.run([sys.executable, "-c", _RESIDENT], check=True, capture_output=True, encoding="utf-8").stdout
    assert int(shown) < 16 * 2**20  # of 100 MB that each thread had

from dataclasses import replace

import psutil
import pytest

from tests.soak.footprint import MOST_GROWTH, Footprint, footprints, grown, table
from tests.support.mesh import run_mesh
from tests.support.slow_films import slow_engines

HELD = Footprint(resident_mib=100, open_files=20, threads=10, shared_mib=0, temporary_files=0)


def test_every_process_of_a_mesh_is_measured(tmp_path):
    with run_mesh(tmp_path, slow_engines(tmp_path), lipsync_replicas=2) as mesh:
        (mesh.media_root / "tmp" / "left").touch()  # by a dead process
        held = footprints(mesh)
        orchestrator = psutil.Process(mesh.servers["orchestrator"].process.pid)
        assert held["orchestrator"].open_files == orchestrator.num_fds()
    servers = {"tts", "lipsync", "lipsync-2", "asr", "overlay"}
    assert held.keys() == {"media store", "orchestrator", *servers, *(f"{name} worker" for name in servers)}
    assert held["media store"].temporary_files == 0
    assert min(each.resident_mib for name, each in held.items() if name != "media store") > 10


@pytest.mark.parametrize("name", ["resident_mib", "open_files", "threads", "shared_mib", "temporary_files"])
def test_growth_is_told_beyond_its_bound(name):
    most = getattr(HELD, name) + getattr(MOST_GROWTH, name)
    before = {"tts": HELD, "asr": HELD}
    assert not list(grown(before, {"tts": HELD, "asr": replace(HELD, **{name: most})}))
    (told,) = grown(before, {"tts": HELD, "asr": replace(HELD, **{name: most + 1})})
    assert told.startswith("asr holds ")
    assert name.replace("_", " ") in told


def test_a_process_that_is_missing_is_no_growth_but_an_error():
    with pytest.raises(AssertionError, match="asr"):
        list(grown({"tts": HELD, "asr": HELD}, {"tts": HELD}))


def test_the_table_has_a_line_a_process():
    head, line = table({"tts": HELD}, {"tts": replace(HELD, threads=11)}).splitlines()
    assert " ".join(head.split()) == "at rest resident mib open files threads shared mib temporary files"
    assert " ".join(line.split()) == "tts 100 -> 100 20 -> 20 10 -> 11 0 -> 0 0 -> 0"

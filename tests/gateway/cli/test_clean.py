"""`vigent clean` and the clock that does the same: what nobody needs goes, and is told."""

from pathlib import Path

from services.media.storage.inventory import Kind
from services.media.store import MediaStore
from tests.support.commands import vigent
from tests.support.mesh import run_server
from tests.support.servers import poll

ORPHAN = bytes(3_000_000)


def settings(folder: Path, **more: str) -> dict[str, str]:
    own = {"DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}", "CLEAN_INTERVAL_S": "0", "CLEAN_SETTLE_S": "0", **more}
    return {f"VIGENT_ORCHESTRATOR_{name}": value for name, value in own.items()}


async def old_orphan(folder: Path) -> tuple[MediaStore, str]:
    """Content that nobody needs, not used within the last moment."""
    store = MediaStore(folder / "media")
    orphan = store.put_bytes(ORPHAN).sha256
    (entry,) = store.contents([orphan])

    def is_old() -> bool:
        probe = folder / "probe"
        probe.touch()
        return probe.stat().st_ctime > entry.used_s + 0.2

    await poll(is_old)
    return store, orphan


async def test_it_says_what_and_how_much(tmp_path: Path) -> None:
    store, orphan = await old_orphan(tmp_path)
    with run_server("orchestrator", tmp_path, settings(tmp_path)) as orchestrator:
        elsewhere = {"VIGENT_GATEWAY_ORCHESTRATOR": orchestrator.address, "VIGENT_CONFIG": str(tmp_path / "none.toml")}
        kept = vigent("clean", cwd=tmp_path, environment=elsewhere)
        asked = vigent("clean", "--dry-run", "--unused-h", "0", cwd=tmp_path, environment=elsewhere)
        assert store.contents([orphan])
        done = vigent("clean", "--unused-h", "0", cwd=tmp_path, environment=elsewhere)
    assert not store.contents([orphan])
    assert [told.returncode for told in (kept, asked, done)] == [0, 0, 0], (kept, asked, done)
    assert "0.0 MB were removed." in kept.stdout  # it was used today
    assert "3.0 MB can be removed." in asked.stdout
    assert "3.0 MB were removed." in done.stdout
    assert "that no job and no library needs" in done.stdout


def test_without_a_mesh_it_says_so(tmp_path: Path) -> None:
    told = vigent("clean", "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert told.returncode == 1
    assert "vigent up" in told.stderr


async def test_the_clock_does_it_too(tmp_path: Path) -> None:
    store, _ = await old_orphan(tmp_path)
    (store.root / "tmp" / "left").write_bytes(b"half")
    with run_server("orchestrator", tmp_path, settings(tmp_path, CLEAN_INTERVAL_S="0.2", CLEAN_GRACE_S="0")):
        await poll(lambda: not [entry for entry in store.entries() if entry.kind in {Kind.CONTENT, Kind.HALF_WRITTEN}])

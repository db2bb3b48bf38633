"""What docs/deployment.md tells people to put on a machine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.client import JobClient
from tests.support.films import facts_of, made, output, spec_of
from tests.support.mesh import ROOT, Mesh, run_mesh, run_server

FOLDER = ROOT / "docs" / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in {".service", ".timer"})
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="There is no systemd-analyze.")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    prefix = tmp_path / "vigent"
    (prefix / "bin").mkdir(parents=True)
    for program in ("python", "vigent", "vigent-backup"):
        (prefix / "bin" / program).write_text("#!/bin/sh\n", encoding="utf-8")
        (prefix / "bin" / program).chmod(0o755)
    for name in UNITS:
        text = (FOLDER / name).read_text(encoding="utf-8").replace("/opt/vigent", str(prefix))
        (tmp_path / name).write_text(text, encoding="utf-8")
    names = [name.replace("@", "@lipsync") for name in UNITS]
    (tmp_path / "vigent-server@lipsync.service").symlink_to(tmp_path / "vigent-server@.service")
    verified = subprocess.run(
        ["systemd-analyze", "verify", *names], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_units_start_what_there_is() -> None:
    commands = re.findall(r"^ExecStart=/opt/vigent/bin/(.*)$", "\n".join(map(unit, UNITS)), re.MULTILINE)
    assert commands == [
        "vigent-backup /var/lib/vigent/data /var/backups/vigent",
        "python -m services.%i",
        "vigent up --data /var/lib/vigent/data",
    ]


def unit(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_the_page_names_the_files_and_commands_that_are_there() -> None:
    assert set(re.findall(r"vigent[\w@-]*\.(?:service|timer)", PAGE)) >= {"vigent.service", "vigent-backup.timer"}
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    for command in set(re.findall(r"/bin/vigent (\w+)", PAGE)):
        subprocess.run([sys.executable, "-m", "gateway.cli.main", command, "--help"], check=True, cwd=ROOT, timeout=60)


def backed_up(mesh: Mesh, target: Path) -> None:
    """Runs the script beside a `python`, as it is installed."""
    programs = target.parent / "bin"
    programs.mkdir(exist_ok=True)
    shutil.copy(FOLDER / "vigent-backup", programs)
    (programs / "python").unlink(missing_ok=True)
    (programs / "python").symlink_to(sys.executable)
    subprocess.run([programs / "vigent-backup", mesh.data, target], check=True, timeout=60)


async def test_a_backup_of_a_running_mesh_brings_its_films_back(tmp_path: Path) -> None:
    with run_mesh(tmp_path / "before") as mesh:
        first = await made(mesh, spec_of(mesh, "This is the first film."))
        backed_up(mesh, tmp_path / "backup")
        second = await made(mesh, spec_of(mesh, "This is the second film."))
        backed_up(mesh, tmp_path / "backup")
        frames = facts_of(output(mesh, second, "film.mp4")).frames
    restored = tmp_path / "restored"
    shutil.copytree(tmp_path / "backup", restored)
    database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{restored / 'jobs.db'}"}
    with run_server("orchestrator", restored, database) as orchestrator:
        async with JobClient(orchestrator.address) as client:
            jobs = {job.id: job async for job in client.list_all()}
    assert jobs == {first.id: first, second.id: second}
    film = output(Mesh(restored, {}), jobs[second.id], "film.mp4")
    assert facts_of(film).frames == frames

"""The walls around the limited child, tried by a decoder that has been taken over."""

from __future__ import annotations

import ctypes.util
import os
import pickle
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.base.errors import InternalError
from services.media.confinement.answers import Outcome, jsonable, told, understood
from services.media.confinement.seccomp import CONDITIONAL, REFUSED
from services.media.confinement.task import Limits
from services.media.facts import FootageFacts
from services.media.sandbox import run_limited, walls_here
from tests.support import hostile

NETWORK = ("connects", "connects_in_a_thread", "sends_a_datagram", "opens_a_unix_socket", "makes_a_ring")
FILES = ("writes_outside", "overwrites", "cuts", "removes", "opens_to_all", "links", "reads_keys", "lists_folder")
PROCESSES = (
    *("reads_environment_of_parent", "runs_a_program", "becomes_a_program", "forks", "leaves_namespace", "types"),
    *("kills_parent", "holds_parent", "traces_parent", "limits_parent"),
)
HOSTILE = hostile.__name__


@pytest.fixture(scope="module", autouse=True)
def walls() -> None:
    if sys.platform != "linux" or not walls_here().whole:
        pytest.skip(f"this kernel has no such walls: {walls_here()}")


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.fault(
    "decoder taken over by a file",
    promised="It reaches no file but its own, no network, no program and no other process; its answers are data.",
)
def test_a_decoder_that_was_taken_over_reaches_nothing(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)  # as the folder is in which `python -m gateway` was started
    keys, result = tmp_path / "keys.json", tmp_path / "result"
    keys.write_text("secret", encoding="utf-8")
    attempts = [*NETWORK, *FILES, *PROCESSES]
    arguments = (attempts, str(port), str(tmp_path), str(result))
    came = run_limited(f"{HOSTILE}:refusals", *arguments, returns=dict[str, str], writes=(result,))
    assert {name: what for name, what in came.items() if what not in ("EPERM", "EACCES")} == {}
    assert list(came) == attempts
    assert keys.read_text(encoding="utf-8") == "secret"
    assert oct(keys.stat().st_mode & 0o777) == oct(0o666 & ~_umask())
    assert not result.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys.json", "result"]


def test_without_walls_the_same_decoder_does_most_of_it(tmp_path: Path, port: int) -> None:
    """So that each attempt is one that can succeed."""
    (tmp_path / "keys.json").write_text("secret", encoding="utf-8")
    (tmp_path / "result").touch()
    possible = ["connects", "connects_in_a_thread", "sends_a_datagram", "opens_a_unix_socket", "forks", "kills_parent"]
    possible += ["runs_a_program", "lists_folder", "reads_keys", "opens_to_all", "cuts", "overwrites", "writes_outside"]
    possible += ["links", "removes"]
    came = hostile.refusals(possible, str(port), str(tmp_path), str(tmp_path / "result"))
    assert came == dict.fromkeys(possible, "done")


def test_a_namespace_has_no_network_where_calls_cannot_be_filtered(port: int) -> None:
    program = (
        "from services.media.confinement.walls import _leave_network\n"
        "from tests.support.hostile import refusals\n"
        f"print(_leave_network(), refusals(['connects'], '{port}'))"
    )
    tried = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=100)
    if "unshare" in tried.stderr:
        pytest.skip("this kernel gives no namespaces to who is not root")
    assert tried.stdout == "a namespace {'connects': 'ENETUNREACH'}\n", tried.stderr


def test_what_is_its_own_it_reads_and_writes(tmp_path: Path) -> None:
    written = run_limited(f"{HOSTILE}:writes_result", tmp_path / "a", "mine", returns=int, writes=(tmp_path / "a",))
    assert written == 4
    assert (tmp_path / "a").read_text(encoding="utf-8") == "mine"


def test_it_knows_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_GATEWAY_SOMETHING", "a-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    seen = run_limited(f"{HOSTILE}:sees", "VIGENT_GATEWAY_SOMETHING", returns=str)
    assert "secret" not in seen
    assert "PATH=" in seen


class _Opens:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/vigent-was-here",)


@pytest.mark.parametrize(
    "said",
    [
        pickle.dumps(_Opens()) + b"\n",
        b"[]\n",
        b'{"walls": 3}\n',
        b'{"error": ["os", 1, 2, 3, 4, 5]}\n{"value": 1}\n{}\n',
        b"[" * 100_000 + b"\n",
        b'{"progress": ["a", "b"]}\n',
        b'{"value": "{\\"width\\": \\"wide\\"}"}\n',
    ],
    ids=["pickle", "list", "walls", "error", "deep", "progress", "facts"],
)
def test_what_it_says_is_data_or_an_error(said: bytes) -> None:
    with pytest.raises(InternalError):
        run_limited(f"{HOSTILE}:speaks_badly", said.decode("latin-1"), returns=FootageFacts)


def test_half_an_answer_waits_no_longer_than_the_limit() -> None:
    with pytest.raises(Exception, match="longer than 2 s"):
        run_limited(f"{HOSTILE}:speaks_badly", '{"val', returns=str, limits=Limits(wall_s=2))


def test_results_cross_as_they_are() -> None:
    facts = FootageFacts(2, 2, 1, 25.0, 0.04, bytes(range(256)), ["a"])
    said = understood(told(Outcome(jsonable(facts))))
    assert isinstance(said, Outcome)
    assert run_limited("tests.support.hostile:sees", "nothing", returns=object)
    from pydantic import TypeAdapter

    assert TypeAdapter(FootageFacts).validate_json(said.value) == facts


@pytest.mark.parametrize(("column", "architecture"), [(0, 0xC000003E), (1, 0xC00000B7)], ids=["x86_64", "aarch64"])
def test_numbers_of_calls_are_right(column: int, architecture: int) -> None:
    """As libseccomp has them, where it is here."""
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip(f"libseccomp is not here ({platform.machine()})")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    for call, numbers in {**REFUSED, **CONDITIONAL}.items():
        known = resolve(architecture, call.encode())
        assert numbers[column] == (known if known >= 0 else None), call


def _umask() -> int:
    now = os.umask(0o22)
    os.umask(now)
    return now

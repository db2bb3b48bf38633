"""`vigent keys`: made, listed, rotated and removed; and the way to the studio that `vigent up` tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.access.keys import KeyFile, KeyRing
from gateway.cli.up import studio_url
from gateway.mesh.plan import MeshPlan
from gateway.settings import GatewaySettings
from tests.support.commands import vigent


def test_a_key_is_made_listed_rotated_and_removed(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    made = vigent("keys", "add", "phone", "--scope", "read", "--days", "30", *data, cwd=tmp_path)
    key = made.stdout.strip()
    assert re.fullmatch(r"vigent_[0-9a-f]{8}_[\w-]{43}", key)  # alone, so that a program can take it
    file = KeyFile(tmp_path / "data" / "keys.json")
    assert KeyRing(file).of(key) is not None
    listed = vigent("keys", "list", *data, cwd=tmp_path).stdout
    assert {"phone", "read", "never"} - set(listed.split()) == {"never"}
    assert key not in listed

    rotated = vigent("keys", "rotate", "phone", "--overlap-hours", "0", *data, cwd=tmp_path).stdout.strip()
    ring = KeyRing(file)
    assert (ring.of(key), ring.of(rotated) is not None) == (None, True)

    assert vigent("keys", "remove", "phone", *data, cwd=tmp_path).returncode == 0
    assert KeyRing(file).of(rotated) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "taken"), "already"),
        (("add", "x", "--scope", "all"), "no scope"),
        (("add", " "), "no name"),
        (("rotate", "nobody"), "no key"),
        (("remove", "nobody"), "no key"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    if "taken" in arguments:
        assert vigent("keys", "add", "taken", "--data", "d", cwd=tmp_path).returncode == 0
    failed = vigent("keys", *arguments, "--data", "d", cwd=tmp_path)
    assert failed.returncode in {1, 2}
    assert told in failed.stderr
    assert "to do:" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_each_mesh_has_a_token_of_its_own_which_the_gateway_alone_is_told(tmp_path: Path) -> None:
    plans = [MeshPlan.here(port_base=0) for _ in range(2)]
    tokens = {plan.environment("gateway", tmp_path)["VIGENT_GATEWAY_STUDIO_TOKEN"] for plan in plans}
    assert len(tokens) == 2
    assert not [name for name in plans[0].names[:-1] if tokens & set(plans[0].environment(name, tmp_path).values())]
    assert not [token for token in tokens if token in repr(plans)]


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"host": "::1"}, "http://[::1]:8080"),
        ({"tls_certificate": Path("chain.pem")}, "https://127.0.0.1:8080"),
    ],
)
def test_the_studio_is_where_its_user_reaches_it(told: dict[str, object], url: str) -> None:
    assert studio_url(GatewaySettings.load("gateway", **told), 8080) == url

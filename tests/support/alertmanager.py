"""A real Alertmanager for tests, on a free port of loopback, that sends to one webhook without waiting."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.support.mesh import own_port

_TIMEOUT_S = 60.0


@contextmanager
def alertmanager(folder: Path, webhook: str, token: str) -> Iterator[str]:
    """Its "host:port"; `token` is the bearer that it sends."""
    if shutil.which("prometheus-alertmanager") is None:
        reason = "There is no Alertmanager (Debian: apt-get install prometheus-alertmanager)."
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder.mkdir()
    receiver = {"url": webhook, "http_config": {"authorization": {"credentials": token}}, "send_resolved": False}
    timing = {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"}
    route = {"receiver": "slow-loop", "group_by": ["alertname", "service", "pod"], **timing}
    config = {"route": route, "receivers": [{"name": "slow-loop", "webhook_configs": [receiver]}]}
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    address = f"127.0.0.1:{own_port()}"
    paths = (f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/data")
    command = ("prometheus-alertmanager", *paths, f"--web.listen-address={address}", "--cluster.listen-address=")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(httpx.ConnectError), stop=stop_after_delay(_TIMEOUT_S), wait=wait_fixed(0.1)
        ):
            with attempt:
                httpx.get(f"http://{address}/-/ready", timeout=_TIMEOUT_S, trust_env=False).raise_for_status()
        yield address
    finally:
        process.terminate()
        process.wait(_TIMEOUT_S)

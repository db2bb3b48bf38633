"""The slow loop as a process, and what Alertmanager would send it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.support.kubernetes_api import KubernetesApi
from tests.support.mesh import ROOT, own_port

TOKEN = "a-token"
TIMEOUT_S = 60.0


class Loop:
    """A running slow loop."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self._log = url, log
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)

    def send(self, *alerts: dict, token: str = TOKEN) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self._http.post("/alerts", content=json.dumps(body_of(alerts)), headers=headers)

    def done(self, *alerts: dict) -> list[str]:
        answer = self.send(*alerts)
        assert answer.status_code == 200, answer.text
        return [each["done"] for each in answer.json()]

    def post(self, body: bytes) -> int:
        return self._http.post("/alerts", content=body, headers={"Authorization": f"Bearer {TOKEN}"}).status_code

    def lives(self) -> bool:
        return self._http.get("/livez").status_code == 200

    def close(self) -> None:
        self._http.close()

    def audit(self) -> list[dict]:
        """What its log says it has done."""
        lines = map(json.loads, self._log.read_text(encoding="utf-8").splitlines())
        return [json.loads(line["message"]) for line in lines if line["logger"] == "gateway.slowloop.app"]


@contextmanager
def slow_loop(folder: Path, api: KubernetesApi, **settings: object) -> Iterator[Loop]:
    """One process; `settings` as its variables have them, None for one that is left out."""
    token, log, port = folder / "token", folder / "slow-loop.log", own_port()
    token.write_text(TOKEN + "\n", encoding="utf-8")
    chosen = {"api": api.url, "token_file": token, "port": port, "dry_run": "false", **settings}
    environment = {
        f"VIGENT_SLOW_LOOP_{name.upper()}": str(value) for name, value in chosen.items() if value is not None
    }
    with log.open("wb") as file:
        command = (sys.executable, "-m", "gateway.slowloop")
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=file)
    loop = Loop(f"http://127.0.0.1:{port}", log)
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(httpx.ConnectError), stop=stop_after_delay(TIMEOUT_S), wait=wait_fixed(0.1)
        ):
            with attempt:
                assert loop.lives()
        yield loop
    finally:
        loop.close()
        process.terminate()
        assert process.wait(TIMEOUT_S) in {0, -15}


def body_of(alerts: tuple[dict, ...]) -> dict:
    """As Alertmanager 0.25 sends it to a webhook."""
    return {
        "receiver": "vigent/slow-loop/slow-loop",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "VigentWorkerStalled"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}/{namespace="vigent"}:{alertname="VigentWorkerStalled"}',
        "truncatedAlerts": 0,
    }

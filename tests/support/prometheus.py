"""A real Prometheus for tests, on a free port of loopback, that scrapes every second."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.manifests import K8S
from tests.support.mesh import own_port

_TIMEOUT_S = 60.0
_INTERVAL_S = "1s"


class Prometheus:
    """What it knows."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)
        self._watched_from_s = 0.0

    def ask(self, query: str) -> list[dict]:
        """The series that a PromQL query gives now."""
        answer = self._http.get("/api/v1/query", params={"query": query}).raise_for_status().json()
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def alerts(self, pod: str) -> set[str]:
        """Names of the alerts that were ever pending or firing for what was scraped under this name."""
        found = self.ask(f'max_over_time(ALERTS{{pod="{pod}"}}[10m])')
        return {series["metric"]["alertname"] for series in found}

    def watch(self) -> None:
        """What fired until now, as while servers start, is no longer told by `fired`."""
        self._watched_from_s = time.monotonic()

    def fired(self, alert: str) -> list[dict]:
        """The series of this alert that fired since `watch`, or ever; one late answer makes an alert pending only."""
        watched_ms = min(600_000, int((time.monotonic() - self._watched_from_s) * 1000))
        return self.ask(f'max_over_time(ALERTS{{alertname="{alert}",alertstate="firing"}}[{watched_ms}ms])')

    def until_fires(self, labels: str) -> None:
        """Waits for an alert with these labels."""
        self.until(f'ALERTS{{{labels},alertstate="firing"}}')

    def until(self, query: str) -> list[dict]:
        """Asks until the query gives a series."""
        end_s = time.monotonic() + _TIMEOUT_S
        while not (found := self._asked(query)):
            assert time.monotonic() < end_s, f"nothing for {query}"
            time.sleep(0.1)  # a scrape is no event
        return found

    def _asked(self, query: str) -> list[dict]:
        try:
            return self.ask(query)
        except (httpx.TransportError, httpx.HTTPStatusError):  # it starts
            return []

    def close(self) -> None:
        self._http.close()


def hastened_rules(*looking_back: str) -> dict:
    """Those of k8s/, whose alerts must hold for two seconds where it was a minute or more.

    The alerts `looking_back` look at the last ten seconds, not minutes.
    """
    rules = yaml.safe_load((K8S / "components/monitoring/rules.yaml").read_text(encoding="utf-8"))["spec"]
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "for" in rule):
        rule["for"] = "2s"
        if rule["alert"] in looking_back:
            rule["expr"] = rule["expr"].replace("[10m]", "[10s]")
    return rules


@contextmanager
def scraping(
    folder: Path, targets: Mapping[str, str], rules: object = None, alertmanager: str = ""
) -> Iterator[Prometheus]:
    """A server that scrapes `targets`, job name to "host:port", and has `rules`.

    With an `alertmanager`, "host:port", that gets the alerts. With `rules` the name of a job is the label `pod` too.
    """
    if shutil.which("prometheus") is None:
        reason = "There is no prometheus (Debian: apt-get install prometheus)."
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder.mkdir()
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [target], "labels": {"pod": name} if rules else {}}]}
        for name, target in targets.items()
    ]
    timing = {"scrape_interval": _INTERVAL_S, "evaluation_interval": _INTERVAL_S}
    config = {"global": timing, "scrape_configs": jobs, "rule_files": ["rules.yaml"]}
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules or {"groups": []}), encoding="utf-8")
    address = f"127.0.0.1:{own_port()}"
    paths = (f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *paths, f"--web.listen-address={address}"], stderr=log)
    server = Prometheus(f"http://{address}")
    try:
        server.until(f"count(up == 1) == {len(targets)}")
        yield server
    finally:
        server.close()
        process.terminate()
        process.wait(_TIMEOUT_S)

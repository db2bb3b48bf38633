"""The alerts: rules that Prometheus takes, figures that we export, and a page for whoever is woken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.manifests import K8S
from tests.support.servers import ROOT

RULES = yaml.safe_load((K8S / "components/monitoring/rules.yaml").read_text(encoding="utf-8"))["spec"]
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
EXPORTERS = ("services/runtime", "orchestrator/jobs", "gateway/http")
RUNBOOKS = ROOT / "docs" / "runbooks"


def promtool(folder: Path, *arguments: str) -> None:
    if shutil.which("promtool") is None:
        reason = "There is no promtool (Debian: apt-get install prometheus)."
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    done = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
    promtool(tmp_path, "check", "rules", "rules.yaml")


def test_alerts_fire_by_what_they_are_for_and_are_silent_otherwise(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
    cases = yaml.safe_load((Path(__file__).parent / "alerts.yaml").read_text(encoding="utf-8"))
    tests = [unit_test_of(name, case) for name, case in cases.items()]
    assert {name.split(",")[0] for name, case in cases.items() if case["fires"]} == set(ALERTS)
    text = yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": tests})
    (tmp_path / "tests.yaml").write_text(text, encoding="utf-8")
    promtool(tmp_path, "test", "rules", "tests.yaml")


def test_every_alert_has_a_page_that_says_what_to_do() -> None:
    assert {path.stem for path in RUNBOOKS.glob("Vigent*.md")} == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{name}.md"
        assert "## What to do" in (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def test_every_alert_was_raised_by_a_real_fault() -> None:
    """In the tests of this folder that start servers and a Prometheus."""
    folder = Path(__file__).parent
    tests = ("test_alerts_fire.py", "test_alerts_of_jobs.py", "test_alertmanager.py")
    raising = "".join((folder / name).read_text(encoding="utf-8") for name in tests)
    assert not {name for name in ALERTS if f'"{name}"' not in raising}


def test_alerts_ask_for_figures_that_the_code_exports() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (
            ROOT / "services/runtime/metrics.py",
            ROOT / "orchestrator/jobs/metrics.py",
            ROOT / "gateway/http/metrics.py",
        )
    )
    expressions = " ".join(rule["expr"] for group in RULES["groups"] for rule in group["rules"])
    asked = {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"\bvigent_\w+", expressions)}
    assert asked
    assert not {name for name in asked if f'"{name}"' not in code}


def unit_test_of(name: str, case: dict[str, Any]) -> dict[str, Any]:
    """One test in promtool's own form: how many alerts fire at the end."""
    count = f'count(ALERTS{{alertname="{name.split(",", maxsplit=1)[0]}", alertstate="firing"}})'
    expected = [{"labels": "{}", "value": case["fires"]}] if case["fires"] else []
    series = [{"series": series, "values": values} for series, values in case["series"].items()]
    ask = {"expr": count, "eval_time": case["at"], "exp_samples": expected}
    return {"interval": "1m", "name": name, "input_series": series, "promql_expr_test": [ask]}

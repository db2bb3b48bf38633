"""How soon hung engines are found, and whether any that advances is taken for one: `python -m tests.bench.hangs`.

Found means that callers and health know. For comparison, an engine works ten minutes a request on a clock that runs a
hundred times as fast: 600 units of a second with the default budget of ten seconds become units of 10 ms with 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path

from tests.support.servers import NOT_SERVING, Server, events, failure, listening, poll, serving, until_event

BUDGET_S = 3.0
IN_A_CALL = ("hang", "hang_holding_gil", "change_phase", "stop", "spin")
PHASES = {"change_phase": 3}
"""How many it goes through without a unit, if more than one: it gets the budget of each of them."""
_PATIENT = {"restart_limit": 10_000, "stall_budget_s": BUDGET_S, "recovery__stall_ceiling_s": BUDGET_S}
_UNITS, _UNIT_S, _FAST_BUDGET_S = 600, 0.01, 0.1


async def in_calls(folder: Path, action: str, rounds: int) -> list[float]:
    """Seconds from the last unit until the caller was told, after its budget; each call is another one."""
    late_s, budget_s = [], BUDGET_S * PHASES.get(action, 1)
    async with serving(folder, {"action": action, "at_unit": 1}, **_PATIENT) as server:
        for number in range(rounds):
            old, call = server.worker(), server.speak(f"ab {number}")
            await until_event(call)
            began_s = time.monotonic()
            _, error = await failure(call)
            assert error.reason == "STALLED", error  # type: ignore[attr-defined]
            late_s.append(time.monotonic() - began_s - budget_s)
            await server.replaced(old)
    return late_s


async def idle(folder: Path, rounds: int) -> list[float]:
    """The same from when a worker that has nothing to do is stopped."""
    late_s = []
    async with serving(folder, {}, **_PATIENT) as server:
        for number in range(rounds):
            assert (await events(server.speak(str(number))))[-1] == "done"
            old = server.worker()
            old.suspend()
            began_s = time.monotonic()
            await server.until(NOT_SERVING)
            late_s.append(time.monotonic() - began_s - BUDGET_S)
            await server.replaced(old)
    return late_s


async def loading(folder: Path, rounds: int) -> list[float]:
    """The same for workers that never get loaded, from when each began to hang."""
    late_s: list[float] = []
    options = {"load_action": "hang", "log_file": folder / "began"}
    async with listening(folder, options, load_budget_s=BUDGET_S, **_PATIENT) as server:
        for number in range(rounds):
            await poll(lambda: len(_found_s(server)) > number)  # noqa: B023 - awaited here
            began_s = float((folder / "began").read_text(encoding="utf-8").split()[number])
            late_s.append(_found_s(server)[number] - began_s - BUDGET_S)
    return late_s


def _found_s(server: Server) -> list[float]:
    found = re.findall(r"(\S+) ERROR \S+ \S+: slot 0 hangs", server.log.read_text(encoding="utf-8"))
    return [datetime.fromisoformat(moment).timestamp() for moment in found]


async def false_kills(folder: Path, requests: int) -> int:
    """How many of the workers of an engine that advances, slowly, were replaced."""
    quick = {"stall_budget_s": _FAST_BUDGET_S, "recovery__watch_interval_s": 0.0025}
    async with serving(folder, {"delay_s": _UNIT_S}, **quick) as server:
        for number in range(requests):
            assert (await events(server.speak("a" * _UNITS + str(number), timeout_s=600)))[-1] == "done"
        return int(sum(value for name, value in (await server.metrics()).items() if "worker_restarts_total" in name))


async def measured(folder: Path, rounds: int) -> bool:
    """Prints a line each; returns whether all was as promised: found within the budget and a second."""
    late_s: dict[str, list[float]] = {}
    measures = {action: partial(in_calls, action=action) for action in IN_A_CALL} | {"idle": idle, "loading": loading}
    for name, measure in measures.items():
        (folder / name).mkdir()
        late_s[name] = await measure(folder / name, rounds=rounds)
        each_s = " ".join(f"{each:.2f}" for each in sorted(late_s[name]))
        print(f"{name:18} {rounds} found, seconds after the budget: {each_s}", flush=True)
    every = [each for each_s in late_s.values() for each in each_s]
    print(f"{sum(each <= 1 for each in every)} of {len(every)} within the budget of {BUDGET_S:g} s and one second")
    (folder / "slow").mkdir()
    killed = await false_kills(folder / "slow", rounds)
    print(f"{killed} false kills in {rounds} requests of {_UNITS} units")
    return max(every) <= 1 and not killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    with tempfile.TemporaryDirectory(prefix="vigent-hangs-") as folder:
        return int(not asyncio.run(measured(Path(folder), parser.parse_args().rounds)))


if __name__ == "__main__":
    sys.exit(main())

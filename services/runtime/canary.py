"""The canary: a tiny real call on an idle engine, whose result is checked.

An engine may answer in time and be wrong: memory of a device gone bad, weights overwritten. Callers notice when the
film is watched, the canary before. It sings every `canary_interval_s` while there is nothing else to do. A wrong result
is asked for again, since models are allowed a bad take; if all tries are wrong, the worker is replaced, and the next
one takes no calls before the canary has come out right.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from services.base.errors import InternalError, VigentError
from services.enginekit.canary import Canary
from services.enginekit.progress import ProgressSnapshot

if TYPE_CHECKING:
    from services.base.settings import ServerSettings
    from services.runtime.metrics import ServerMetrics
    from services.runtime.worker.worker import Worker

_LOG = logging.getLogger(__name__)
_TRIES = 3
_RETRY_S = 1.0

RIGHT, WRONG, UNANSWERED = "right", "wrong", "unanswered"
"""What may become of one. UNANSWERED: this engine cannot be asked, such as in a language that it does not know, or a
fault that others see to came between."""


class CanaryKeeper:
    """Sends the canary into a worker, until cancelled."""

    def __init__(self, worker: Worker, canary: Canary, settings: ServerSettings, metrics: ServerMetrics) -> None:
        self._worker, self._canary, self._metrics = worker, canary, metrics
        self._interval_s, self._exit_s = settings.canary_interval_s, settings.recovery.exit_budget_s

    async def run(self) -> None:
        """Returns at once where the interval is 0."""
        while self._interval_s:
            await asyncio.sleep(_RETRY_S if self._worker.doubt else self._interval_s)
            await self._worker.available.wait()
            if self._worker.idle:
                await self._look()

    async def _look(self) -> None:
        outcome, told = await self._outcome()
        self._metrics.canary_ended(outcome)
        if outcome == UNANSWERED:
            _LOG.warning("the canary got no answer: %s", told)
        elif outcome == WRONG:
            await self._replace(told)
        elif self._worker.doubt:
            self._worker.believe()

    async def _outcome(self) -> tuple[str, str]:
        """What became of it, and why; the first try that is right decides."""
        told = ""
        for attempt in range(_TRIES):
            try:
                told = await self._sing(attempt)
            except InternalError as error:
                told = str(error)
            except (VigentError, OSError) as error:  # it died, hung or had no room; or what it sings of is not here
                return UNANSWERED, str(error)
            if not told:
                return RIGHT, ""
        return WRONG, told

    async def _sing(self, attempt: int) -> str:
        request = self._canary.request(self._worker.attributes, attempt)
        inputs = _each(self._canary.inputs()) if self._canary.inputs else None
        async with self._worker.call(self._canary.method, request, inputs, canary=True) as call:
            events = [event async for event in call.events() if not isinstance(event, ProgressSnapshot)]
        return self._canary.wrong(events)

    async def _replace(self, told: str) -> None:
        process = self._worker.process
        assert process is not None
        _LOG.error("worker %d gives wrong results and is replaced: %s", process.pid, told)
        self._worker.distrust(f"Its engine gave a wrong result: {told}")
        process.death_reason = "canary"
        process.signal(signal.SIGKILL)
        await asyncio.wait([process.exited], timeout=self._exit_s)


async def _each(items: Sequence[object]) -> AsyncIterator[object]:
    for item in items:
        yield item

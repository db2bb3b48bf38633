"""The webhook: takes Alertmanager's notifications, and restarts at most one pod for each.

It never knows better than the server's own watchdog and the kubelet, which work in seconds; it is for what these leave:
a worker that cannot be killed, an engine that stays wrong. An alert comes again while it lasts, so it may refuse now.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.slowloop.alerts import Alert, Notification
from gateway.slowloop.cluster import DRY_RUN, REFUSED, RESTART, Cluster
from gateway.slowloop.judgement import Judgement, Rules, judged
from gateway.slowloop.settings import SlowLoopSettings
from services.base.errors import ExhaustedError, UnavailableError

_LOG = logging.getLogger(__name__)
_LONGEST_BODY_BYTES = 2**20


class SlowLoop:
    """Judges alerts one after another. It remembers nothing: what it has done is in the cluster's Events."""

    def __init__(self, settings: SlowLoopSettings, cluster: Cluster) -> None:
        self._cluster, self._dry_run = cluster, settings.dry_run
        self._rules = Rules(
            frozenset(settings.alerts.split(",")),
            frozenset(settings.services.split(",")),
            settings.quorum,
            timedelta(seconds=settings.cooldown_s),
        )
        self._one_at_a_time = asyncio.Lock()

    async def take(self, alerts: Sequence[Alert]) -> list[dict[str, str]]:
        """What was made of each alert. Raises UnavailableError when the API of the cluster does not answer."""
        async with self._one_at_a_time:
            return [await asyncio.to_thread(self._act, alert) for alert in alerts]

    def _act(self, alert: Alert) -> dict[str, str]:
        last, pods = self._cluster.last_restart(), self._cluster.pods()
        judgement = judged(alert, pods, last, datetime.now(UTC), self._rules)
        outcome = self._carry_out(judgement)
        said = {"alert": alert.name, "pod": judgement.pod.name if judgement.pod else "", **outcome}
        _LOG.warning("%s", json.dumps(said))  # the audit, with the Event
        return said

    def _carry_out(self, judgement: Judgement) -> dict[str, str]:
        """The Event comes first: what cannot be noted is not done, and the cooldown holds whatever comes of it."""
        pod = judgement.pod
        if pod is None:
            return {"done": REFUSED, "why": judgement.why}
        done = (DRY_RUN if self._dry_run else RESTART) if judgement.restart else REFUSED
        self._cluster.note(pod, done, judgement.why)
        if done == RESTART:
            try:
                self._cluster.evict(pod)
            except ExhaustedError as error:
                return {"done": REFUSED, "why": error.problem}
        return {"done": done, "why": judgement.why}


def create_app(settings: SlowLoopSettings, cluster: Cluster) -> Starlette:
    """POST /alerts for Alertmanager, GET /livez for the kubelet."""
    loop = SlowLoop(settings, cluster)
    routes = [
        Route("/alerts", partial(_alerts, settings, loop), methods=["POST"]),
        Route("/livez", _livez),
    ]
    return Starlette(routes=routes)


async def _livez(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _alerts(settings: SlowLoopSettings, loop: SlowLoop, request: Request) -> Response:
    """200 with what was done; 401, 413 and 422 as elsewhere; 503 makes Alertmanager send it again."""
    sent = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
    if not hmac.compare_digest(sent, settings.token().encode()):
        return PlainTextResponse("The token is wrong.\n", 401)
    if int(request.headers.get("content-length", _LONGEST_BODY_BYTES + 1)) > _LONGEST_BODY_BYTES:
        return PlainTextResponse("The body is too large, or of a length that was not told.\n", 413)
    try:
        notification = Notification.model_validate_json(await request.body())
    except ValidationError:
        return PlainTextResponse("This is no notification of Alertmanager.\n", 422)
    try:
        return JSONResponse(await loop.take(notification.firing))
    except UnavailableError as error:
        _LOG.warning("%s", error)
        return PlainTextResponse(f"{error}\n", 503)

"""What a film would still need, asked for before it is ordered."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from gateway.films.forecast import Forecast, forecast_view
from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.http.context import GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES

router = APIRouter(prefix="/api/v1/forecast", tags=["jobs"], responses=PROBLEM_RESPONSES)


@router.post("", summary="See what a film would still need")
async def forecast_film(request: FilmRequest, gateway: GatewayDep) -> Forecast:
    """Which sentences would be spoken, and which were spoken for films before: only what has changed is made again."""
    spec = await asyncio.to_thread(resolve, request, gateway.library)
    return forecast_view(await gateway.jobs.forecast(spec))

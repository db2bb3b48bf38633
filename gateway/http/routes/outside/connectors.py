"""Posting to platforms by their official interfaces, where the gateway's settings name them."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from gateway.http.access import caller_of
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.http.routes.jobs import IdempotencyKey
from gateway.http.routes.publishing import finished
from gateway.publishing.connectors.connectors import Connectors
from gateway.publishing.connectors.delivery import Delivery, DeliveryView, NewDelivery, delivery_view
from gateway.publishing.connectors.provider import Capabilities
from gateway.publishing.connectors.sending import again, cancelled
from gateway.publishing.platforms import PlatformId
from services.base.errors import FailedPreconditionError, NotFoundError, VigentError

router = APIRouter(tags=["publishing"], responses=PROBLEM_RESPONSES)

_PAGE = "/publish"
_LOG = logging.getLogger(__name__)


class Connector(BaseModel):
    """A platform that can be posted to."""

    platform: PlatformId = Field(description="Which one.")
    connected: bool = Field(description="Whether an account of yours is connected.")
    capabilities: Capabilities = Field(description="What it can do.")


class ConnectorList(BaseModel):
    """The platforms that can be posted to."""

    items: list[Connector] = Field(description="Empty where the settings name none.")


class SignIn(BaseModel):
    """Where a browser goes to connect an account."""

    url: str = Field(description="Address at the platform; it leads back to this gateway.")


class Deliveries(BaseModel):
    """Films on their way."""

    items: list[DeliveryView] = Field(description="Newest first.")


@router.get("/api/v1/connectors", summary="List connectors")
async def list_connectors(gateway: GatewayDep, request: Request) -> ConnectorList:
    """Which platforms can be posted to from here, and whether an account is connected."""
    if gateway.connectors is None:
        return ConnectorList(items=[])
    accounts, owner = gateway.connectors.accounts, _owner(request)
    items = [
        Connector(
            platform=platform,
            connected=await accounts.is_connected(owner, platform),
            capabilities=provider.capabilities,
        )
        for platform, provider in accounts.providers.items()
    ]
    return ConnectorList(items=items)


@router.post("/api/v1/connectors/{platform}/sign-in", summary="Connect an account")
async def begin_sign_in(platform: PlatformId, gateway: GatewayDep, request: Request) -> SignIn:
    """Begins to connect an account: open the address in a browser within ten minutes."""
    return SignIn(
        url=_connectors(gateway).accounts.begin(_owner(request), platform, _redirect(gateway, request, platform))
    )


@router.get("/connect/{platform}", include_in_schema=False)
async def finish_sign_in(
    platform: PlatformId,
    gateway: GatewayDep,
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4_000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> RedirectResponse:
    """Where a platform leads the browser back to."""
    connectors, told = _connectors(gateway), str(platform if code and not error else "refused")
    try:
        if told == platform:
            await connectors.accounts.finish(_owner(request), platform, state, code)
    except VigentError as failure:  # a person looks at this: the page says it
        _LOG.warning("An account of %s was not connected: %s", platform, failure)
        told = "failed"
    return RedirectResponse(f"{_PAGE}?connect={told}", 303)


@router.delete("/api/v1/connectors/{platform}", status_code=204, summary="Disconnect an account")
async def disconnect(platform: PlatformId, gateway: GatewayDep, request: Request) -> None:
    """Forgets the account and gives up what it allowed. Posts stay where they are."""
    await _connectors(gateway).accounts.disconnect(_owner(request), platform)


@router.get("/api/v1/jobs/{job_id}/deliveries", summary="List deliveries")
async def list_deliveries(job_id: str, gateway: GatewayDep, request: Request) -> Deliveries:
    """Where the film was sent from here, and how far that is."""
    if gateway.connectors is None:
        return Deliveries(items=[])
    found = await asyncio.to_thread(gateway.connectors.records.of_job, job_id, _owner(request))
    return Deliveries(items=[delivery_view(each) for each in found])


@router.post("/api/v1/jobs/{job_id}/deliveries", status_code=202, summary="Send a film to a platform")
async def deliver(
    job_id: str, asked: NewDelivery, gateway: GatewayDep, request: Request, key: IdempotencyKey = ""
) -> DeliveryView:
    """Sends the film, now or when it is time, with the texts of its publication. It goes on through restarts.

    With an `Idempotency-Key` the request is safe to repeat.
    """
    connectors, job = _connectors(gateway), await finished(gateway, job_id)
    return delivery_view(await connectors.deliver(job, asked, _owner(request), key))


@router.post("/api/v1/deliveries/{delivery_id}/cancel", summary="Cancel a delivery")
async def cancel_delivery(delivery_id: str, gateway: GatewayDep, request: Request) -> DeliveryView:
    """Stops a film that is on its way. Refused (409) once the platform has all of it."""
    connectors, delivery = await _delivery(gateway, request, delivery_id)
    ended = cancelled(delivery)
    if not await asyncio.to_thread(connectors.records.update, ended) and delivery.state != "cancelled":
        raise FailedPreconditionError("It has ended meanwhile.", "Look at it again.", reason="NOT_ON_ITS_WAY")
    await connectors.sending.stop(ended)
    return delivery_view(ended)


@router.post("/api/v1/deliveries/{delivery_id}/retry", status_code=202, summary="Retry a delivery")
async def retry_delivery(delivery_id: str, gateway: GatewayDep, request: Request) -> DeliveryView:
    """Goes on with one that failed or was cancelled, where it stopped."""
    connectors, delivery = await _delivery(gateway, request, delivery_id)
    waiting = again(delivery)
    await asyncio.to_thread(connectors.records.update, waiting, unless_ended=False)
    connectors.sending.wake()
    return delivery_view(waiting)


def _connectors(gateway: Gateway) -> Connectors:
    if gateway.connectors is None:
        remedy = "Whoever runs the gateway sets client id and secret (docs/publishing.md)."
        raise NotFoundError("This gateway posts to no platform.", remedy, "platform", "NO_CONNECTOR")
    return gateway.connectors


async def _delivery(gateway: Gateway, request: Request, delivery_id: str) -> tuple[Connectors, Delivery]:
    connectors = _connectors(gateway)
    return connectors, await asyncio.to_thread(connectors.records.get, delivery_id, _owner(request))


def _owner(request: Request) -> str:
    """Whose accounts: each key has its own, and so has the user of the machine."""
    caller = caller_of(request)
    return "" if caller is None or caller.key is None else caller.key.id


def _redirect(gateway: Gateway, request: Request, platform: PlatformId) -> str:
    """As it is registered at the platform."""
    base = gateway.settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/connect/{platform}"

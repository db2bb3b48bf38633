"""The keys there are, without their secrets; `vigent keys` makes and removes them."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.access.keys import Key
from gateway.access.rules import Scope
from gateway.http.context import GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES

router = APIRouter(prefix="/api/v1/keys", tags=["keys"], responses=PROBLEM_RESPONSES)


class KeyView(BaseModel):
    """A key."""

    id: str = Field(description="Stands in the key itself.")
    name: str = Field(description="Who or what uses it.")
    scopes: list[Scope] = Field(description="What it may do; admin may do all.")
    created: datetime = Field(description="When it was made.")
    ends: datetime | None = Field(description="When its newest secret ends; never, when null.")
    requests_per_minute: int | None = Field(description="Requests it may make in a minute; any number, when null.")
    unfinished_jobs: int | None = Field(description="Jobs of its own that may wait or run; any number, when null.")
    weight: int = Field(description="Its share where keys wait for each other.")


class Keys(BaseModel):
    """All keys that have not ended."""

    keys: list[KeyView] = Field(description="Oldest first.")


@router.get("", summary="List keys")
async def list_keys(gateway: GatewayDep) -> Keys:
    """Who may use this gateway, beside the user of its machine. Needs the scope `admin`."""
    now = datetime.now(UTC)
    return Keys(keys=[_view(key) for key in gateway.keys.all() if key.valid(now)])


def _view(key: Key) -> KeyView:
    return KeyView(**key.model_dump(exclude={"secrets"}), ends=key.secrets[0].until)

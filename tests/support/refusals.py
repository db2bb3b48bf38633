"""How a call was refused, as its caller learns it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterable

import grpc
import pytest

from services.base.status import error_of
from tests.support.servers import ROOT

_INTERNALS = ("Traceback", tempfile.gettempdir(), str(ROOT))


async def refusal(call: AsyncIterable[object]) -> tuple[grpc.StatusCode, str, str]:
    """Status code, field and reason with which a call is refused; it is told neither a traceback nor a path."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async for _ in call:
            pass
    details = refused.value.details() or ""
    assert not any(internal in details for internal in _INTERNALS)
    error = error_of(refused.value)
    return refused.value.code(), error.field, error.reason

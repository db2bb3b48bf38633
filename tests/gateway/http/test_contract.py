"""What /openapi.json says is what the gateway does: Schemathesis asks every operation, wisely and foolishly."""

import asyncio
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from gateway.http.admission import Admission
from gateway.http.app import create_app
from gateway.http.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from tests.support.commands import TIMEOUT_S

# A schema cannot tell which page tokens there are, or that a file is a film: what fits it may be refused, for a reason.
REFUSED = ["400", "404", "409", "413", "415", "422"]
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *REFUSED]}}}
)
WISELY, FOOLISHLY = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


def operations() -> Iterator:
    """Of an application that never runs: tests are collected before there is a gateway.

    A path cannot be wrong by its schema, nor a form, all of whose fields are text.
    """
    metrics = GatewayMetrics()
    app = create_app(GatewaySettings(), metrics, Admission(8, metrics), asyncio.Event())
    for found in schemathesis.openapi.from_dict(app.openapi(), config=CONFIG).get_all_operations():
        operation = found.ok()
        yield pytest.param(operation, WISELY, id=f"{operation.label} wisely")
        if operation.query or any(body.media_type == "application/json" for body in operation.body):
            yield pytest.param(operation, FOOLISHLY, id=f"{operation.label} foolishly")


@pytest.mark.parametrize(("operation", "mode"), list(operations()))
def test_every_operation_keeps_its_contract(film_gateway, operation, mode):
    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case) -> None:
        case.validate_response(case.call(base_url=f"http://{film_gateway.address}", timeout=TIMEOUT_S))

    asked()

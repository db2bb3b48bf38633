"""Prints the gateway's OpenAPI document, which the studio's types are made of: `python -m tests.support.openapi`."""

import asyncio
import json
import sys

from gateway.http.admission import Admission
from gateway.http.app import create_app
from gateway.http.metrics import GatewayMetrics
from gateway.settings import GatewaySettings


def main() -> None:
    metrics = GatewayMetrics()
    app = create_app(GatewaySettings(), metrics, Admission(8, metrics), asyncio.Event())
    json.dump(app.openapi(), sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

"""A Kubernetes API for tests: pods, Events and evictions of one namespace, over HTTP as the real one answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAMESPACE = "vigent"
_ROOT = f"/api/v1/namespaces/{NAMESPACE}"


def time_of(ago_s: float) -> str:
    """RFC 3339, as Kubernetes writes it."""
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class KubernetesApi:
    """What is in the namespace. `broken`: answers 500 to all. `budget`: a PodDisruptionBudget forbids evictions."""

    url: str = ""
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    evicted: list[str] = field(default_factory=list)
    broken: bool = False
    budget: bool = False

    def add(self, service: str, number: int, *, ready: bool = True, age_s: float = 3600, ending: bool = False) -> str:
        """A pod; returns its name. Its address ends with the number."""
        name = f"{service}-{number}"
        metadata = {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-{name}",
            "labels": {"app.kubernetes.io/name": service, "app.kubernetes.io/part-of": "vigent"},
            "creationTimestamp": time_of(age_s),
        }
        if ending:
            metadata["deletionTimestamp"] = time_of(0)
        self.pods[name] = {
            "metadata": metadata,
            "spec": {"containers": [{"name": "server"}]},
            "status": {
                "phase": "Running",
                "podIP": f"10.0.0.{number}",
                "startTime": time_of(age_s),
                "conditions": [{"type": "Ready", "status": str(ready)}],
            },
        }
        return name

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and body of an answer."""
        if self.broken:
            return 500, {"kind": "Status", "reason": "InternalError"}
        match method, path.removeprefix(_ROOT).strip("/").split("/"):
            case "GET", ["pods"]:
                assert query["labelSelector"] == ["app.kubernetes.io/part-of=vigent"]
                return 200, {"kind": "PodList", "apiVersion": "v1", "items": list(self.pods.values())}
            case "GET", ["events"]:
                return 200, {"kind": "EventList", "apiVersion": "v1", "items": self.events}
            case "POST", ["events"]:
                self.events.append(body)
                return 201, body
            case "POST", ["pods", name, "eviction"] if name in self.pods:
                return self._evicted(name, body)
        return 404, {"kind": "Status", "reason": "NotFound"}

    def _evicted(self, name: str, body: Any) -> tuple[int, Any]:
        assert body["deleteOptions"]["preconditions"]["uid"] == self.pods[name]["metadata"]["uid"]
        if self.budget:
            return 429, {"kind": "Status", "reason": "TooManyRequests"}
        self.evicted.append(name)
        return 201, {"kind": "Status", "status": "Success"}


@contextmanager
def kubernetes_api() -> Iterator[KubernetesApi]:
    """One that listens on loopback."""
    api = KubernetesApi()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, said = api.answer(self.command, place.path, parse_qs(place.query), body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

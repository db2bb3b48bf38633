"""The pods of one namespace, by the Kubernetes API: seen, evicted, and noted in Events. Everything here blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kubernetes import client, config

from gateway.slowloop.judgement import Pod
from services.base.errors import ExhaustedError, InvalidInputError, UnavailableError

PART_OF = "app.kubernetes.io/part-of=vigent"
_NAME = "app.kubernetes.io/name"
_TIMEOUT_S = 10.0
_REFUSED = 429  # by a PodDisruptionBudget
RESTART, DRY_RUN, REFUSED = "SlowLoopRestart", "SlowLoopDryRun", "SlowLoopRefused"
"""Reasons of the Events; the first two count for the cooldown."""


class Cluster:
    """One namespace. Its methods raise UnavailableError when the API does not answer as it should."""

    def __init__(self, namespace: str, api: str = "") -> None:
        """`api`: URL of an API without authentication; if empty, that of the cluster this runs in.

        Raises InvalidInputError outside of one.
        """
        told = client.Configuration(host=api or None)
        try:
            if not api:
                config.load_incluster_config(told)
        except config.ConfigException as error:
            remedy = "Run it in a pod with a service account, or set VIGENT_SLOW_LOOP_API."
            raise InvalidInputError("This is no pod of a cluster.", remedy, "api") from error
        told.retries, told.proxy = False, None
        self._core = client.CoreV1Api(client.ApiClient(told))
        self._namespace = namespace

    def pods(self) -> list[Pod]:
        """Those of the mesh."""
        with _answering():
            found = self._core.list_namespaced_pod(self._namespace, label_selector=PART_OF, _request_timeout=_TIMEOUT_S)
        return [_pod(each) for each in found.items if each.status.phase in {"Pending", "Running"}]

    def last_restart(self) -> datetime | None:
        """When a pod was restarted here, or would have been in a dry run: kept in Events, so for an hour."""
        with _answering():
            found = self._core.list_namespaced_event(
                self._namespace, field_selector="involvedObject.kind=Pod", _request_timeout=_TIMEOUT_S
            )
        times = [each.last_timestamp for each in found.items if each.reason in {RESTART, DRY_RUN}]
        return max(times, default=None)

    def note(self, pod: Pod, reason: str, message: str) -> None:
        """Writes an Event about the pod."""
        now = datetime.now(UTC)
        event = client.CoreV1Event(
            metadata=client.V1ObjectMeta(generate_name=f"{pod.name}.", namespace=self._namespace),
            involved_object=client.V1ObjectReference(
                api_version="v1", kind="Pod", name=pod.name, namespace=self._namespace, uid=pod.uid
            ),
            reason=reason,
            message=message,
            type="Warning",
            source=client.V1EventSource(component="vigent-slow-loop", host=os.environ.get("HOSTNAME", "")),
            first_timestamp=now,
            last_timestamp=now,
            count=1,
        )
        with _answering():
            self._core.create_namespaced_event(self._namespace, event, _request_timeout=_TIMEOUT_S)

    def evict(self, pod: Pod) -> None:
        """Ends the pod gently, if that very one is still there. Raises ExhaustedError where a budget forbids it."""
        options = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=pod.uid))
        metadata = client.V1ObjectMeta(name=pod.name, namespace=self._namespace)
        body = client.V1Eviction(metadata=metadata, delete_options=options)
        with _answering():
            self._core.create_namespaced_pod_eviction(pod.name, self._namespace, body, _request_timeout=_TIMEOUT_S)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except client.ApiException as error:
        if error.status == _REFUSED:
            problem = "A PodDisruptionBudget forbids it."
            raise ExhaustedError(problem, "Wait until more pods are ready.", "", "BUDGET") from error
        problem = f"The Kubernetes API answered {error.status} {error.reason}."
        raise UnavailableError(problem, "See the rights of the service account `slow-loop`.") from error
    except Exception as error:  # of the library below the client, which has many
        problem = f"The Kubernetes API does not answer ({type(error).__name__})."
        raise UnavailableError(problem, "It is asked again with the next alert.") from error


def _pod(found: Any) -> Pod:  # noqa: ANN401 - the client has no types
    conditions = found.status.conditions or []
    return Pod(
        name=found.metadata.name,
        uid=found.metadata.uid,
        service=(found.metadata.labels or {}).get(_NAME, ""),
        address=found.status.pod_ip or "",
        begun=found.status.start_time or found.metadata.creation_timestamp,
        ready=any(condition.type == "Ready" and condition.status == "True" for condition in conditions),
        ending=found.metadata.deletion_timestamp is not None,
    )

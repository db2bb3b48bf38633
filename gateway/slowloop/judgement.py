"""Whether a pod is restarted because of an alert. Everything that speaks against it comes first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.slowloop.alerts import Alert


@dataclass(frozen=True)
class Pod:
    """A pod of the mesh. `begun`: when its containers were to start; `ending`: it was told to end."""

    name: str
    uid: str
    service: str
    address: str
    begun: datetime
    ready: bool
    ending: bool


@dataclass(frozen=True)
class Rules:
    """What may be restarted: for which alerts, of which services, beside how many others, how often."""

    alerts: frozenset[str]
    services: frozenset[str]
    quorum: float
    cooldown: timedelta


@dataclass(frozen=True)
class Judgement:
    """What is to be done about an alert, and why. `pod` is the one that it is about, if there is one."""

    restart: bool
    why: str
    pod: Pod | None = None


def judged(alert: Alert, pods: Sequence[Pod], last: datetime | None, now: datetime, rules: Rules) -> Judgement:
    """The judgement on one alert. `last`: when a pod was last restarted, or would have been in a dry run."""
    if alert.name not in rules.alerts:
        return Judgement(False, "no new pod mends this alert")
    pod = _pod_of(alert, pods)
    if pod is None:
        return Judgement(False, "its pod is gone, or none of ours")
    against = _against(alert, pod, pods, last, now, rules)
    return Judgement(not against, against or f"{alert.name} since {alert.begun:%H:%M:%S}", pod)


def _against(alert: Alert, pod: Pod, pods: Sequence[Pod], last: datetime | None, now: datetime, rules: Rules) -> str:
    """What speaks against restarting the pod; "" if nothing does."""
    if pod.service not in rules.services:
        return f"pods of {pod.service} are not restarted"
    if pod.begun > alert.begun:
        return "it has begun after the alert"
    if ending := [other.name for other in pods if other.ending]:
        return f"{ending[0]} is just ending"
    if last is not None and now - last < rules.cooldown:
        return f"the last restart was {(now - last).total_seconds():.0f} s ago"
    others = [other for other in pods if other.service == pod.service and other != pod]
    ready, needed = sum(other.ready for other in others), math.ceil(rules.quorum * len(others))
    if ready < needed:
        return f"{ready} of {len(others)} other pods are ready, {needed} are needed"
    return ""


def _pod_of(alert: Alert, pods: Sequence[Pod]) -> Pod | None:
    name = alert.labels.get("pod")
    return next((pod for pod in pods if (pod.name == name if name else pod.address == alert.address)), None)

"""What Alertmanager sends to a webhook (version 4 of its body)."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

_FIRING = "firing"


class Alert(BaseModel):
    """One alert. `pod` and `instance` are labels that Prometheus gives to what it scrapes."""

    model_config = ConfigDict(frozen=True)

    status: str
    labels: dict[str, str]
    begun: datetime = Field(alias="startsAt")

    @property
    def name(self) -> str:
        """Of its rule."""
        return self.labels.get("alertname", "")

    @property
    def address(self) -> str:
        """IP address of what was scraped, without its port."""
        return self.labels.get("instance", "").rpartition(":")[0].strip("[]")


class Notification(BaseModel):
    """A group of alerts."""

    alerts: list[Alert] = Field(max_length=1000)

    @property
    def firing(self) -> list[Alert]:
        """Those that have not ended, the one that lasts longest first."""
        return sorted((alert for alert in self.alerts if alert.status == _FIRING), key=lambda alert: alert.begun)

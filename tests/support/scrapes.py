"""What a scrape of the gateway gives."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


def metrics_of(http: httpx.Client) -> dict[tuple[str, str], float]:
    """Value by metric name and label values."""
    families = text_string_to_metric_families(http.get("/metrics").text)
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }

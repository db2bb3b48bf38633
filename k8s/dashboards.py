"""Makes the Grafana dashboards: `python k8s/dashboards.py` writes components/monitoring/dashboards/*.json.

A panel is a title, a unit and queries; their order is the order on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

FOLDER = Path(__file__).parent / "components" / "monitoring" / "dashboards"

_PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
_BUSY = "vigent_worker_active_requests > 0"
_THIRD, _HEIGHT = 8, 8  # of a page that is 24 wide


@dataclass(frozen=True)
class Panel:
    """One picture. `queries` are (PromQL, legend); units are Grafana's names."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    description: str = ""


@dataclass(frozen=True)
class Page:
    """One dashboard; `variable` is a label that its reader chooses a value of."""

    name: str
    title: str
    panels: Sequence[Panel]
    variable: str = ""


def _quantiles(metric: str, by: str, where: str = "") -> list[tuple[str, str]]:
    return [
        (f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket{{{where}}}[5m])))", f"{{{{{by}}}}} p{q[2:]}")
        for q in ("0.50", "0.95")
    ]


MESH = Page(
    "mesh",
    "Vigent: the mesh",
    [
        Panel("Usable services", "bool_yes_no", [("vigent_probe_success", "{{service}}")], "As the gateway sees them."),
        Panel("Calls that wait", "short", [("sum by (service) (vigent_queue_depth)", "{{service}}")]),
        Panel("Calls under way", "short", [("sum by (service) (vigent_worker_active_requests)", "{{service}}")]),
        Panel(
            "Units of work",
            "ops",
            [("sum by (service, phase) (rate(vigent_worker_units_total[1m]))", "{{service}} {{phase}}")],
            "Frames, steps, segments: what health is judged by.",
        ),
        Panel(
            "Time since progress, while busy",
            "s",
            [
                (
                    "vigent_worker_progress_age_seconds and vigent_worker_active_requests > 0",
                    "{{service}}",
                ),
                ("vigent_worker_stall_budget_seconds and vigent_worker_active_requests > 0", "{{service}} budget"),
            ],
            "Above its budget a worker is taken for hung and replaced.",
        ),
        Panel(
            "Workers replaced",
            "short",
            [("sum by (service, reason) (increase(vigent_worker_restarts_total[10m]))", "{{service}} {{reason}}")],
        ),
        Panel(
            "Calls refused",
            "ops",
            [("sum by (service, reason) (rate(vigent_admission_refused_total[5m]))", "{{service}} {{reason}}")],
        ),
        Panel("Calls", "ops", [("sum by (service, code) (rate(vigent_requests_total[1m]))", "{{service}} {{code}}")]),
        Panel("Memory of servers", "bytes", [("process_resident_memory_bytes", "{{job}} {{instance}}")]),
    ],
)

SERVICE = Page(
    "service",
    "Vigent: one service",
    [
        Panel("State", "short", [('vigent_worker_state{service="$service"} == 1', "{{instance}} {{state}}")]),
        Panel("Calls that wait", "short", [('vigent_queue_depth{service="$service"}', "{{instance}}")]),
        Panel("Calls under way", "short", [('vigent_worker_active_requests{service="$service"}', "{{instance}}")]),
        Panel(
            "Time to the first result", "s", _quantiles("vigent_first_chunk_seconds", "method", 'service="$service"')
        ),
        Panel("Time of a call", "s", _quantiles("vigent_request_seconds", "method", 'service="$service"')),
        Panel(
            "Seconds of work a second of media",
            "short",
            _quantiles("vigent_realtime_factor", "method", 'service="$service"'),
            "Below 1 it is faster than it plays.",
        ),
        Panel(
            "Units of work",
            "ops",
            [
                (
                    'sum by (phase, instance) (rate(vigent_worker_units_total{service="$service"}[1m]))',
                    "{{instance}} {{phase}}",
                )
            ],
        ),
        Panel(
            "Workers replaced",
            "short",
            [('sum by (reason) (increase(vigent_worker_restarts_total{service="$service"}[10m]))', "{{reason}}")],
        ),
        Panel(
            "Memory of workers", "bytes", [('vigent_worker_resident_memory_bytes{service="$service"}', "{{instance}}")]
        ),
        Panel(
            "Time of loading the engine",
            "s",
            [('vigent_engine_load_seconds{service="$service"}', "{{instance}} {{engine}} {{stage}}")],
        ),
    ],
    variable="service",
)

JOBS = Page(
    "jobs",
    "Vigent: jobs",
    [
        Panel("Jobs", "short", [("max by (state) (vigent_jobs)", "{{state}}")], "Every orchestrator counts them all."),
        Panel("Time of a stage", "s", _quantiles("vigent_job_stage_seconds", "stage")),
        Panel("Sentences spoken again", "short", [("sum(increase(vigent_retakes_total[10m]))", "retakes")]),
        Panel(
            "Requests of people and programs",
            "reqps",
            [('sum by (code) (rate(vigent_requests_total{service="gateway"}[1m]))', "{{code}}")],
        ),
        Panel(
            "Time of a request",
            "s",
            _quantiles("vigent_request_seconds", "method", 'service="gateway", method!~".*events"'),
        ),
    ],
)

GPU = Page(
    "gpu",
    "Vigent: one GPU",
    [
        Panel(
            "Memory of the device",
            "bytes",
            [
                ('vigent_device_memory_bytes{instance="$instance"}', "reserved"),
                ('vigent_device_memory_used_bytes{instance="$instance"}', "in use"),
            ],
        ),
        Panel(
            "Units of work",
            "ops",
            [('sum by (phase) (rate(vigent_worker_units_total{instance="$instance"}[1m]))', "{{phase}}")],
        ),
        Panel(
            "Calls",
            "short",
            [
                ('vigent_worker_active_requests{instance="$instance"}', "under way"),
                ('vigent_queue_depth{instance="$instance"}', "wait"),
            ],
        ),
        Panel(
            "Seconds of work a second of media",
            "short",
            _quantiles("vigent_realtime_factor", "method", 'instance="$instance"'),
        ),
        Panel(
            "Time since progress",
            "s",
            [
                ('vigent_worker_progress_age_seconds{instance="$instance"}', "since progress"),
                ('vigent_worker_stall_budget_seconds{instance="$instance"}', "budget"),
            ],
        ),
    ],
    variable="instance",
)

PAGES = (MESH, SERVICE, JOBS, GPU)


def rendered(page: Page) -> str:
    """The dashboard as the JSON that Grafana reads."""
    dashboard = Dashboard(page.title).uid(f"vigent-{page.name}").tags(["vigent"]).refresh("15s").time("now-1h", "now")
    dashboard = dashboard.readonly().with_variable(DatasourceVariable("datasource").type("prometheus"))
    if page.variable:
        values = QueryVariable(page.variable).datasource(_PROMETHEUS).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        dashboard = dashboard.with_variable(values.query(f"label_values(vigent_queue_depth, {page.variable})"))
    for panel in page.panels:
        dashboard = dashboard.with_panel(_drawn(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard.build()) + "\n"


def _drawn(panel: Panel) -> TimeSeries:
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    drawn = TimeSeries().title(panel.title).description(panel.description).unit(panel.unit).min(0).legend(legend)
    drawn = drawn.datasource(_PROMETHEUS).span(_THIRD).height(_HEIGHT)
    for number, (query, name) in enumerate(panel.queries):
        drawn = drawn.with_target(Dataquery().expr(query).legend_format(name).ref_id(chr(ord("A") + number)))
    return drawn


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for made in PAGES:
        (FOLDER / f"{made.name}.json").write_text(rendered(made), encoding="utf-8")

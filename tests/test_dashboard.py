"""Every query of the Grafana dashboard asks for what a real server tells, by labels that it has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import promql_parser
import pytest
import yaml

from gallery import GalleryClient
from gallery.domain import Cohort
from gallery.errors import GalleryNotFound
from tests.pictures import png_of, views_of
from tests.scraped import Scraped, scraped
from tests.served import served_whole, settings_for

DOCKER = Path(__file__).parent.parent / "docker"
PANELS = json.loads((DOCKER / "grafana" / "dashboard.json").read_text())["panels"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", [])]
OF_PROMETHEUS = {"job", "instance"}  # added to every sample by who scrapes it


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Scraped:
    """A scrape after calls that make every metric appear: decisions by a calibrated threshold among them."""
    settings = settings_for(tmp_path_factory.mktemp("served"), model_file)
    with served_whole(settings.model_copy(update={"metrics_listen": "127.0.0.1:0"})) as server:
        with GalleryClient(server.address, timeout=60) as client:
            client.create_gallery("lobby")
            for person in range(3):
                client.enroll("lobby", f"person-{person}", views_of(person, 2))
            strangers = [client.embed(png_of(seed))[0] for seed in range(100, 120)]
            cohort = Cohort(
                strangers[0].model_digest,
                np.stack([one.embedding for one in strangers]),
                tuple(str(number) for number in range(20)),
            )
            client.calibrate("lobby", target_fpir=0.05, cohort=cohort)
            client.identify("lobby", views_of(0, 1)[0])
            for stranger in range(200, 210):
                client.identify("lobby", png_of(stranger))
            with pytest.raises(GalleryNotFound):
                client.identify("cellar", png_of(1))
            client.delete_identity("lobby", "person-2")  # by its answer, the refusal is counted
        assert server.metrics_address is not None
        return scraped(server.metrics_address)


def asked(query: str) -> Iterator[tuple[str, set[str], dict[str, str]]]:
    """Each metric that a query asks for: its name, the labels it is told apart by, and the values it must have."""
    yield from _asked(promql_parser.parse(query.replace("$__rate_interval", "5m")), set())


def _asked(node: Any, wanted: set[str]) -> Iterator[tuple[str, set[str], dict[str, str]]]:
    match node:
        case promql_parser.AggregateExpr():
            yield from _asked(node.expr, set(node.modifier.labels) if node.modifier else set())
        case promql_parser.BinaryExpr():
            yield from _asked(node.lhs, wanted)
            yield from _asked(node.rhs, wanted)
        case promql_parser.Call():
            for argument in node.args:
                yield from _asked(argument, wanted)
        case promql_parser.MatrixSelector():
            yield from _asked(node.vector_selector, wanted)
        case promql_parser.VectorSelector():
            matchers = node.matchers.matchers
            values = {one.name: one.value for one in matchers if one.op == promql_parser.MatchOp.Equal}
            yield node.name or "", wanted | {one.name for one in matchers}, values
        case promql_parser.NumberLiteral():
            return
        case _:
            raise AssertionError(f"the test does not know what {type(node).__name__} is")


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[f"{title}-{n}" for n, (title, _) in enumerate(QUERIES)])
def test_a_panel_asks_for_what_the_server_tells(seen: Scraped, title: str, query: str) -> None:
    found = list(asked(query))
    assert found, f"{title} asks for nothing"
    for name, labels, values in found:
        samples = seen.labels_of(name)
        assert samples, f"{title}: no metric {name}"
        assert labels <= set(samples[0]) | OF_PROMETHEUS, f"{title}: {name} has {sorted(samples[0])}"
        assert any(values.items() <= sample.items() for sample in samples), f"{title}: no {name} with {values}"


def test_every_legend_names_a_label_that_its_query_keeps() -> None:
    for panel in PANELS:
        for target in panel.get("targets", []):
            kept = set().union(*(labels for _, labels, _ in asked(target["expr"]))) | OF_PROMETHEUS
            for word in target["legendFormat"].split("{{")[1:]:
                assert word.partition("}}")[0] in kept, f"{panel['title']}: {target['legendFormat']}"


def test_every_metric_of_ours_is_on_the_dashboard(seen: Scraped) -> None:
    shown = {name for _, query in QUERIES for name, _, _ in asked(query)}
    told = {sample.name for sample in seen.samples if sample.name.startswith("gallery_")}
    families = {name.removesuffix(ending) for name in shown for ending in ("_bucket", "_sum", "_count", "_total")}
    unseen = {
        name
        for name in told
        if not any(name.startswith(family) for family in families) and not name.endswith("_created")
    }
    assert unseen <= {"gallery_galleries", "gallery_drift_probes_total"}  # the sum of others, and for alerts


def test_what_mounts_the_dashboard_agrees_on_where_it_is() -> None:
    compose = yaml.safe_load((DOCKER / "compose.monitoring.yaml").read_text())["services"]
    mounts = dict(mount.split(":")[:2] for service in compose.values() for mount in service.get("volumes", []))
    assert all((DOCKER / place).exists() for place in mounts if place.startswith("."))
    provider = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/gallery.yaml").read_text())["providers"][0]
    assert mounts["./grafana/dashboard.json"].startswith(provider["options"]["path"])
    port = compose["gallery"]["environment"]["GALLERY_METRICS_LISTEN"].rpartition(":")[2]
    scraped_at = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())["scrape_configs"][0]["static_configs"]
    assert scraped_at[0]["targets"] == [f"gallery:{port}"]

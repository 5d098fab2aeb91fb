"""What Prometheus is told of a real server after real calls."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery import GalleryClient
from gallery.domain import Gallery, Tail, TemplateFilter, Threshold, ThresholdOrigin
from gallery.errors import GalleryNotFound, InvalidParameter, StoreUnavailable
from gallery.server import RunningServer
from gallery.telemetry.counts import CountGauges
from gallery.telemetry.endpoint import metrics_served
from gallery.telemetry.metrics import OTHERS, Metrics
from tests.fakes import MemoryStore
from tests.pictures import png_of
from tests.scraped import Scraped, scraped
from tests.served import served_whole, settings_for
from tests.test_drift import answered


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Iterator[RunningServer]:
    settings = settings_for(tmp_path_factory.mktemp("served"), model_file)
    with served_whole(settings.model_copy(update={"metrics_listen": "127.0.0.1:0"})) as server:
        yield server


@pytest.fixture(scope="module")
def seen(server: RunningServer) -> Scraped:
    """A scrape after two identities were enrolled, one looked for, one compared, and one call refused."""
    with GalleryClient(server.address, timeout=60) as client:
        client.create_gallery("lobby")
        client.enroll("lobby", "ann", [png_of(1), png_of(2)])
        client.enroll("lobby", "ann", [png_of(1)])
        client.enroll("lobby", "bob", [png_of(3), b"no picture"])
        client.identify("lobby", png_of(1), threshold=2.0)
        client.verify_identity("lobby", png_of(1), "bob")
        with pytest.raises(GalleryNotFound):
            client.identify("cellar", png_of(1))
        client.delete_identity("lobby", "bob")  # by its answer, the refusal is counted
        assert server.metrics_address is not None
        return scraped(server.metrics_address)


def test_calls_are_counted_by_method_and_code(seen: Scraped) -> None:
    assert seen.value("gallery_requests_total", method="Enroll", code="OK") == 3
    assert seen.value("gallery_requests_total", method="Identify", code="OK") == 1
    assert seen.value("gallery_requests_total", method="Identify", code="NOT_FOUND") == 1
    assert seen.value("gallery_request_seconds_count", method="Identify") == 2
    assert seen.value("gallery_requests_in_flight") == 0


def test_refusals_are_counted_by_their_reason(seen: Scraped) -> None:
    assert seen.value("gallery_refusals_total", reason="GALLERY_NOT_FOUND") == 1
    assert seen.value("gallery_refusals_total", reason="INVALID_IMAGE") == 1  # of an enrolment that went on


def test_decisions_are_counted_by_gallery_and_outcome_with_their_distances(seen: Scraped) -> None:
    assert seen.value("gallery_decisions_total", gallery="lobby", operation="identify", outcome="match") == 1
    assert seen.value("gallery_decisions_total", gallery="lobby", operation="verify") == 1
    assert seen.value("gallery_decisions_total", gallery="cellar") == 0
    assert seen.value("gallery_nearest_distance_count", outcome="match") == 1


def test_enrolled_images_are_counted_apart_from_those_known_before(seen: Scraped) -> None:
    assert seen.value("gallery_enrolments_total", result="created") == 3
    assert seen.value("gallery_enrolments_total", result="known") == 1


def test_every_stage_of_a_call_is_timed(seen: Scraped) -> None:
    stages = {"decode", "inference", "embed", "search", "lookup", "write", "erase"}
    assert {labels["stage"] for labels in seen.labels_of("gallery_stage_seconds_count")} == stages
    for stage in stages:
        assert seen.value("gallery_stage_seconds_sum", stage=stage) > 0
    assert seen.value("gallery_stage_seconds_count", stage="erase") == 1
    assert seen.value("gallery_people_per_image_count") >= 5


def test_the_server_says_what_it_is_and_that_its_parts_work(seen: Scraped) -> None:
    (about,) = seen.labels_of("gallery_server_info")
    assert (about["model"], len(about["digest"])) == ("tiny", 64)
    assert seen.value("gallery_serving", part="model") == seen.value("gallery_serving", part="store") == 1
    assert seen.value("process_resident_memory_bytes") > 0


def test_the_queue_and_the_workers_are_told_of(seen: Scraped) -> None:
    assert {labels["lane"] for labels in seen.labels_of("gallery_queue_length")} == {"unary", "stream", "bulk"}
    assert {labels["state"] for labels in seen.labels_of("gallery_workers")} == {"busy", "idle", "hung"}
    assert seen.value("gallery_workers") == 1
    assert seen.labels_of("gallery_workers_replaced_total") == [{}]


def test_nothing_that_is_told_names_a_person(seen: Scraped) -> None:
    assert "ann" not in seen.label_values() and "bob" not in seen.label_values()


def test_metrics_are_off_unless_asked_for(tmp_path: Path, model_file: Path) -> None:
    with served_whole(settings_for(tmp_path, model_file)) as server:
        assert server.metrics_address is None


def test_an_address_that_is_taken_is_refused_with_a_sentence(server: RunningServer) -> None:
    assert server.metrics_address is not None
    with (
        pytest.raises(InvalidParameter, match="--metrics-listen"),
        metrics_served(Metrics().registry, server.metrics_address),
    ):
        pass


def test_probes_are_counted_against_the_law_of_the_calibration_unless_they_were_compared_with_a_part() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    threshold = Threshold(
        1, 0.3, ThresholdOrigin.CALIBRATED, now, target_fpir=0.01, identity_count=50, tail=Tail(0.0, 6.0)
    )
    gallery = Gallery("lobby", "a" * 64, "tiny", 8, now, (threshold,))
    metrics = Metrics()
    for nearest, runner_up in ((0.31, 0.5), (0.6, 0.7), (0.1, 0.32), (0.1, 0.6)):
        metrics.decided(gallery, answered(nearest, runner_up, threshold), TemplateFilter(alive_at=now))
    metrics.decided(gallery, answered(0.31, 0.5, threshold), TemplateFilter(camera_ids=("door",)))
    with metrics_served(metrics.registry, "127.0.0.1:0") as address:
        seen = scraped(address)
    for among in ("matched", "unmatched"):
        assert seen.value("gallery_drift_probes_total", gallery="lobby", among=among) == 2
        assert seen.value("gallery_drift_near_total", gallery="lobby", among=among) == 1
    assert seen.value("gallery_drift_near_expected_total", among="unmatched") == pytest.approx(2 * 0.02 / 0.99)
    assert seen.value("gallery_decisions_total", gallery="lobby") == 5


def test_galleries_and_their_identities_are_counted(seen: Scraped) -> None:
    assert seen.value("gallery_galleries") == 1
    assert seen.value("gallery_identities", gallery="lobby") == 1  # bob was erased before the count


def test_a_hundred_galleries_are_named_and_the_rest_are_told_of_together() -> None:
    metrics = Metrics()
    names = {metrics.name_of(f"gallery-{number:03d}") for number in range(130)}
    assert len(names) == 101 and OTHERS in names
    assert metrics.name_of("gallery-007") == "gallery-007"
    assert metrics.name_of("gallery-129") == OTHERS


async def test_a_store_that_fails_leaves_the_other_metrics_to_be_told() -> None:
    class Lost(MemoryStore):
        async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]:
            raise StoreUnavailable("gone")

    metrics = Metrics()
    metrics.registry.register(CountGauges(Lost(), metrics.name_of))
    with metrics_served(metrics.registry, "127.0.0.1:0") as address:
        seen = await asyncio.to_thread(scraped, address)
    assert not seen.labels_of("gallery_galleries")
    assert seen.value("process_resident_memory_bytes") > 0

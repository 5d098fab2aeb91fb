"""Health follows what an answer needs, part by part, and goes before anything else when a server ends."""

import asyncio
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from gallery.errors import Overloaded, StoreUnavailable
from gallery.health import Health

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Part:
    """Something that works, or raises what a test gives it."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None

    async def __call__(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def parts() -> dict[str, Part]:
    return {"model": Part(), "store": Part()}


@pytest.fixture
def health(parts: dict[str, Part]) -> Health:
    return Health("gallery", parts)


async def told(health: Health) -> dict[str, int]:
    servicer: Any = health.servicer  # it asks nothing of the context
    names = ("", "gallery", "model", "store")
    return {name: (await servicer.Check(health_pb2.HealthCheckRequest(service=name), None)).status for name in names}


async def test_nothing_serves_before_everything_was_seen_to_work(health: Health) -> None:
    await health.begin()
    assert set((await told(health)).values()) == {NOT_SERVING}
    assert set(health.troubles) == {"model", "store"}
    await health.look()
    assert set((await told(health)).values()) == {SERVING}
    assert not health.troubles


async def test_a_part_that_fails_takes_the_whole_with_it_and_brings_it_back(
    health: Health, parts: dict[str, Part], caplog: pytest.LogCaptureFixture
) -> None:
    await health.look()
    parts["store"].trouble = StoreUnavailable("the disk is gone")
    with caplog.at_level("INFO"):
        await health.look()
        assert await told(health) == {"": NOT_SERVING, "gallery": NOT_SERVING, "model": SERVING, "store": NOT_SERVING}
        assert health.troubles == {"store": "the disk is gone"}
        await health.look()
        parts["store"].trouble = None
        await health.look()
    assert set((await told(health)).values()) == {SERVING}
    assert [record.getMessage() for record in caplog.records] == [
        "not serving, the store: the disk is gone",  # once, though it was seen twice
        "serving again",
    ]


async def test_a_part_that_never_answers_is_not_serving(
    health: Health, parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("gallery.health._SECONDS_FOR_A_CHECK", 0.01)
    health = Health("gallery", {"model": parts["model"], "store": never})
    await health.look()
    assert (await told(health))["store"] == NOT_SERVING
    assert "no answer" in health.troubles["store"]


async def test_a_check_that_breaks_is_a_trouble_and_health_goes_on(
    health: Health, parts: dict[str, Part], caplog: pytest.LogCaptureFixture
) -> None:
    parts["store"].trouble = ZeroDivisionError()
    await health.look()
    assert (await told(health))["store"] == NOT_SERVING
    assert "ZeroDivisionError" in caplog.text
    parts["store"].trouble = None
    await health.look()
    assert (await told(health))["store"] == SERVING


async def test_an_overloaded_server_is_busy_not_broken(health: Health, parts: dict[str, Part]) -> None:
    parts["model"].trouble = Overloaded("64 images are waiting", retry_after=1.0)
    await health.look()
    assert (await told(health))["model"] == SERVING


async def test_a_server_that_ends_never_says_serving_again(health: Health) -> None:
    await health.look()
    await health.leave()
    await health.look()
    assert set((await told(health)).values()) == {NOT_SERVING}

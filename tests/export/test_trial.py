from pathlib import Path

import numpy as np
import pytest

from export.data.dataset import Sample, by_identity
from export.errors import InvalidData
from export.evaluation.promise import hindsight, worth
from export.evaluation.trial import Parts, cast, run
from gallery.calibration import Scores
from gallery.client import AsyncGalleryClient
from gallery.server import running
from tests.pictures import png_of
from tests.served import settings_for


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Forty people at three cameras, two pictures each, all of one person alike."""
    folder = tmp_path_factory.mktemp("people")
    found = []
    for person in range(40):
        for shot in range(6):
            path = folder / f"{person}-{shot}.png"
            path.write_bytes(png_of(person, height=32 + shot, width=16))
            found.append(Sample(path, f"person {person}", f"camera {shot % 3}"))
    return found


@pytest.mark.parametrize("templates", [1, 2, 4])
def test_no_person_plays_two_parts_and_no_probe_comes_from_a_camera_that_enrolled(
    samples: list[Sample], templates: int
) -> None:
    chosen = cast(samples, Parts(8, templates, seed=3), cohort_share=0.5)
    enrolled, strangers, cohort = (
        {sample.identity for sample in part} for part in (chosen.templates, chosen.strangers, chosen.cohort)
    )
    assert (len(enrolled), len(strangers), len(cohort)) == (8, 16, 16)
    assert not enrolled & strangers and not enrolled & cohort and not strangers & cohort
    probes = by_identity(chosen.mated)
    for name, own in by_identity(chosen.templates).items():
        assert len(own) == templates
        assert not {sample.camera for sample in own} & {sample.camera for sample in probes[name]}


def test_another_seed_deals_other_parts_and_the_same_seed_the_same(samples: list[Sample]) -> None:
    assert cast(samples, Parts(8, seed=1)) == cast(samples, Parts(8, seed=1))
    assert cast(samples, Parts(8, seed=1)) != cast(samples, Parts(8, seed=2))


def test_more_people_than_there_are_cannot_be_enrolled(samples: list[Sample]) -> None:
    with pytest.raises(InvalidData, match="40 people were seen by two cameras"):
        cast(samples, Parts(41))


async def test_a_service_is_tried_and_its_gallery_is_gone_afterwards(
    samples: list[Sample], tmp_path: Path, model_file: Path
) -> None:
    chosen = cast(samples, Parts(6, 2, probes=2), cohort_share=0.5)
    async with running(settings_for(tmp_path, model_file)) as server, AsyncGalleryClient(server.address) as client:
        outcome = await run(client, chosen, 0.05)
        assert (await client.list_galleries()).items == ()
    assert (outcome.rank1.value, outcome.rank1.n) == (1.0, 12)
    assert outcome.basis.target_fpir == 0.05
    assert outcome.fpir.n == 34
    assert 0.0 <= outcome.fpir.low <= outcome.fpir.value <= outcome.fpir.high <= 1.0


def test_the_oracle_s_threshold_is_where_all_draws_together_meet_the_target() -> None:
    near, far = (Scores(np.linspace(low, low + 1, 100), np.arange(100), 100) for low in (0.0, 0.5))
    threshold = hindsight([near, far], 0.1)
    assert (near.share_within(threshold) + far.share_within(threshold)) / 2 == pytest.approx(0.1, abs=0.006)


def test_pictures_of_one_person_that_go_together_are_worth_fewer_than_those_that_do_not() -> None:
    random = np.random.default_rng(0)
    persons = np.repeat(np.arange(50), 4)
    alike, apart = np.repeat(random.random(50), 4), random.random(200)
    assert worth(Scores(alike, persons, 50), 0.1) == pytest.approx(50)
    assert worth(Scores(apart, persons, 50), 0.1) > 120

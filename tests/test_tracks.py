import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gallery.domain import Basis, Candidate, Embedded, Identification, Outcome, Quality, QualityReason, ThresholdSource
from gallery.tracks import IDLE, MAX_TRACKS, Track, Tracks

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHARP = Quality(64, 128, sharpness=0.5, brightness=0.5, contrast=0.8)
DARK = Quality(64, 128, sharpness=0.5, brightness=0.0, contrast=0.8, reasons=(QualityReason.TOO_DARK,))
BASIS = Basis(0.3, ThresholdSource.MODEL, "digest")


def person(*direction: float, quality: Quality = SHARP) -> Embedded:
    vector = np.array(direction, np.float32)
    return Embedded(None, vector / np.linalg.norm(vector), "digest", quality)


def decision(identity_id: str | None) -> Identification:
    outcome = Outcome.NO_MATCH if identity_id is None else Outcome.MATCH
    near = () if identity_id is None else (Candidate(identity_id, 0.1, uuid.UUID(int=1)),)
    return Identification(None, outcome, near, None, BASIS, SHARP)


def test_a_single_image_is_its_own_track() -> None:
    track, image = Track("t"), person(3, 4)
    assert track.add(image, SHARP)
    near = Candidate("ann", 0.4, uuid.UUID(int=1))
    np.testing.assert_allclose(track.embedding, image.embedding, atol=1e-7)
    assert track.tempered([near])[0].distance == pytest.approx(0.4)


def test_embeddings_are_fused_by_their_quality() -> None:
    track = Track("t")
    blurred = Quality(64, 128, sharpness=0.25, brightness=0.5, contrast=0.8)
    track.add(person(1, 0), SHARP)
    track.add(person(0, 1), blurred)
    np.testing.assert_allclose(track.embedding, np.array([2, 1]) / np.sqrt(5), atol=1e-6)
    # |(2, 1)| / 3 is the agreement, and similarities shrink by its square root
    (tempered,) = track.tempered([Candidate("ann", 0.0, uuid.UUID(int=1))])
    assert tempered.distance == pytest.approx(1 - (np.sqrt(5) / 3) ** 0.5)


def test_a_rejected_image_does_not_count() -> None:
    track = Track("t")
    assert not track.add(person(0, 1), DARK)
    assert (track.image_count, track.quality) == (0, DARK)
    assert track.add(person(1, 0), SHARP)
    assert not track.add(person(0, 1), DARK)
    assert (track.image_count, track.quality) == (1, SHARP)
    np.testing.assert_allclose(track.embedding, [1, 0])


def test_a_decision_is_stable_when_three_images_in_a_row_leave_it() -> None:
    track, since = Track("t"), []
    for second, name in enumerate(["ann", "ann", "bob", "bob", "bob", "bob", None]):
        track.add(person(1, 0), SHARP)
        since.append(track.decided(decision(name), NOON + timedelta(seconds=second), counted=True).stable_since)
    bobs = NOON + timedelta(seconds=2)
    assert since == [None, None, None, None, bobs, bobs, None]


def test_images_that_do_not_count_make_nothing_stable() -> None:
    track = Track("t")
    track.add(person(1, 0), SHARP)
    told = [track.decided(decision("ann"), NOON, counted=counted) for counted in (True, False, False, False)]
    assert [each.stable_since for each in told] == [None] * 4


def test_a_track_that_never_ends_keeps_nothing_but_a_sum() -> None:
    track = Track("t")
    for _ in range(10_000):
        track.add(person(1, 1), SHARP)
    assert track.image_count == 10_000
    sizes = [np.size(value) for value in vars(track).values() if not isinstance(value, Quality)]
    assert max(sizes) == 2
    np.testing.assert_allclose(track.embedding, np.array([1, 1]) / np.sqrt(2), atol=1e-6)


def test_the_track_used_longest_ago_makes_room() -> None:
    tracks = Tracks()
    first = tracks.used("first")
    for number in range(MAX_TRACKS - 1):
        tracks.used(str(number))
    assert tracks.used("first") is first
    tracks.used("one more")
    assert len(tracks) == MAX_TRACKS
    assert tracks.ended("0") is None
    assert tracks.ended("first") is first


def test_an_idle_track_ends() -> None:
    seconds = 0.0
    tracks = Tracks(clock=lambda: seconds)
    old = tracks.used("old")
    seconds += IDLE
    assert tracks.used("old") is old
    seconds += IDLE + 1
    assert tracks.used("old") is not old
    assert len(tracks) == 1
    seconds += 2 * IDLE
    assert tracks.ended("old") is None

"""A camera's stream as its clients see it: what is answered, what fails alone, what tracks say."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from gallery import AsyncGalleryClient, GalleryClient
from gallery.domain import EncodedImage, EndTrack, Outcome, Region, StreamAnswer, StreamItem, StreamProbe
from gallery.errors import GalleryNotFound, InvalidImage, InvalidParameter
from tests.pictures import png_of, views_of


@pytest.fixture
def lobby(client: GalleryClient) -> str:
    name = client.create_gallery(f"lobby-{uuid4().hex}").gallery_id
    for person in range(3):
        client.enroll(name, f"person-{person}", [png_of(person)])
    return name


def probe(item_id: str, seed: int, *track_ids: str) -> StreamProbe:
    return StreamProbe(item_id, EncodedImage(png_of(seed)), track_ids)


def by_item(answers: Iterator[StreamAnswer]) -> dict[str, StreamAnswer]:
    return {answer.item_id: answer for answer in answers}


def test_each_probe_is_answered_under_its_item_id(client: GalleryClient, lobby: str) -> None:
    answers = by_item(client.identify_stream(lobby, [probe(f"item-{seed}", seed % 3) for seed in range(40)]))
    assert len(answers) == 40
    for seed in range(40):
        (person,) = answers[f"item-{seed}"].identifications
        assert person.identity_id == f"person-{seed % 3}"
        assert not answers[f"item-{seed}"].tracks


async def test_the_asyncio_client_streams_too_as_long_as_its_probes_come(
    address: str, client: GalleryClient, lobby: str
) -> None:
    seen = []

    async def probes() -> AsyncIterator[StreamProbe]:
        for seed in range(20):
            yield probe(str(seed), seed % 3)

    async with AsyncGalleryClient(address) as asynchronous:
        async for answer in asynchronous.identify_stream(lobby, probes(), max_candidates=1, threshold=0.0):
            (person,) = answer.identifications
            assert (len(person.candidates), person.basis.threshold) == (1, 0.0)
            seen.append(int(answer.item_id))
    assert sorted(seen) == list(range(20))


def test_the_answer_is_that_of_a_single_call(client: GalleryClient, lobby: str) -> None:
    frame = EncodedImage(png_of(5, height=64, width=64), (Region(0, 0, 32, 64), Region(32, 0, 32, 64)))
    (answer,) = client.identify_stream(lobby, [StreamProbe("frame", frame)])
    assert answer == StreamAnswer("frame", client.identify(lobby, frame))


def test_a_bad_picture_fails_alone(client: GalleryClient, lobby: str) -> None:
    items = [probe("good", 1), StreamProbe("bad", EncodedImage(b"no picture")), probe("good too", 2)]
    answers = by_item(client.identify_stream(lobby, items))
    assert isinstance(answers["bad"].error, InvalidImage)
    assert not answers["bad"].identifications
    assert answers["good"].identifications[0].identity_id == "person-1"
    assert answers["good too"].identifications[0].identity_id == "person-2"


def test_an_unknown_gallery_ends_the_stream(client: GalleryClient) -> None:
    with pytest.raises(GalleryNotFound):
        next(client.identify_stream("nowhere", [probe("one", 1)]))


def test_what_the_probes_raise_is_raised_after_the_answers_that_are_due(client: GalleryClient, lobby: str) -> None:
    def broken() -> Iterator[StreamProbe]:
        yield probe("one", 1)
        raise OSError("the camera is gone")

    answers = []
    with pytest.raises(OSError, match="camera is gone"):
        for answer in client.identify_stream(lobby, broken()):
            answers.append(answer.item_id)
    assert answers == ["one"]


def test_a_track_tells_who_it_is_by_all_of_its_images_and_since_when(client: GalleryClient, lobby: str) -> None:
    client.enroll(lobby, "seven", views_of(7, 2))
    walk: list[StreamItem]
    walk = [StreamProbe(str(n), EncodedImage(view), ("walk",)) for n, view in enumerate(views_of(7, 6))]
    answers = by_item(client.identify_stream(lobby, [*walk, EndTrack("end", "walk")]))
    counts = []
    for n in range(6):
        (track,) = answers[str(n)].tracks
        counts.append(track.image_count)
        assert (track.track_id, track.identification.identity_id) == ("walk", "seven")
        assert (track.stable_since is not None) == (n >= 2)
    assert counts == [1, 2, 3, 4, 5, 6]
    (last,) = answers["end"].tracks
    assert (last.image_count, last.stable_since) == (6, answers["5"].tracks[0].stable_since)
    assert not answers["end"].identifications


def test_regions_of_a_frame_belong_to_tracks_of_their_own(client: GalleryClient, lobby: str) -> None:
    regions = (Region(0, 0, 20, 64), Region(20, 0, 20, 64), Region(40, 0, 20, 64))
    frame = EncodedImage(png_of(5, height=64, width=64), regions)
    (answer,) = client.identify_stream(lobby, [StreamProbe("frame", frame, ("a", "", "c"))])
    assert len(answer.identifications) == 3
    assert [(track.track_id, track.identification.region) for track in answer.tracks] == [
        ("a", regions[0]),
        ("c", regions[2]),
    ]


def test_the_end_of_an_unknown_track_is_no_error(client: GalleryClient, lobby: str) -> None:
    assert list(client.identify_stream(lobby, [EndTrack("end", "never")])) == [StreamAnswer("end")]


def test_an_ended_track_begins_anew(client: GalleryClient, lobby: str) -> None:
    items: list[StreamItem] = [probe("1", 1, "t"), probe("2", 1, "t"), EndTrack("end", "t"), probe("3", 1, "t")]
    answers = by_item(client.identify_stream(lobby, items))
    assert [answers[each].tracks[0].image_count for each in ("1", "2", "end", "3")] == [1, 2, 2, 1]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (StreamProbe("x", EncodedImage(png_of(1)), ("a", "b")), "2 track_ids for 1 people"),
        (StreamProbe("x", EncodedImage(png_of(1), (Region(0, 0, 8, 8),) * 2), ("a", "a")), "a track is named twice"),
    ],
)
def test_track_ids_that_do_not_fit_are_refused_alone(
    client: GalleryClient, lobby: str, item: StreamProbe, sentence: str
) -> None:
    bad, good = client.identify_stream(lobby, [item, probe("good", 1)])
    assert isinstance(bad.error, InvalidParameter)
    assert sentence in str(bad.error)
    assert good.identifications[0].outcome is Outcome.MATCH

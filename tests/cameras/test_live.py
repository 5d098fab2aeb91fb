"""A camera over HTTP: its own pace, lost and found again, stopped while it is away."""

import threading

import pytest

from gallery.cameras import Sampling, open_source
from gallery.cameras.opening import Opening
from gallery.errors import SourceUnavailable
from tests.cameras.scenes import http_camera, number_of, numbered


def test_a_camera_is_lost_and_found_again_and_its_frames_are_counted_on() -> None:
    told: list[str] = []
    with http_camera(numbered(8)[7]) as camera:

        def tell(what: str) -> None:
            told.append(what)
            if len(told) == 1:
                camera.plug_in()

        source = open_source(camera.url, Opening(), tell)
        assert (source.live, source.total) == (True, None)
        first = source.read()
        assert first is not None and (first.number, number_of(first.pixels)) == (0, 7)
        camera.unplug()
        numbers = []
        while len(told) < 2:
            frame = source.read()
            assert frame is not None
            numbers.append(frame.number)
        source.close()
    assert numbers == list(range(1, len(numbers) + 1))
    assert "is lost" in told[0] and "is there again" in told[1]
    assert "secret" not in "".join(told)


def test_a_camera_that_stays_away_is_given_up_after_the_time_for_it() -> None:
    with http_camera(numbered(1)[0]) as camera:
        source = open_source(camera.url, Opening(retry_for=0.0), lambda _: None)
        camera.unplug()
        with pytest.raises(SourceUnavailable, match="did not come back within 0 s"):
            while source.read() is not None:
                pass
        source.close()


def test_a_camera_that_is_looked_for_can_be_stopped() -> None:
    looking = threading.Event()
    with http_camera(numbered(1)[0]) as camera:
        source = open_source(camera.url, Opening(), lambda _: looking.set())
        camera.unplug()

        def stop() -> None:
            looking.wait()
            source.stop()

        stopping = threading.Thread(target=stop)
        stopping.start()
        while source.read() is not None:
            pass
        stopping.join()
        source.close()
    assert looking.is_set()


def test_frames_between_are_not_decoded_unless_they_are_wanted() -> None:
    with http_camera(numbered(1)[0]) as camera:
        source = open_source(camera.url, Opening(Sampling(4)), lambda _: None)
        frames = [source.read() for _ in range(3)]
        source.close()
    assert [frame and frame.number for frame in frames] == [0, 4, 8]


def test_a_camera_that_is_not_there_is_said_to_be() -> None:
    with http_camera(numbered(1)[0]) as camera:
        camera.unplug()
        with pytest.raises(SourceUnavailable, match=r"http://…@127.0.0.1:\d+/stream cannot be opened"):
            open_source(camera.url, Opening(), lambda _: None)
    with pytest.raises(SourceUnavailable, match="the webcam 4711 cannot be opened"):
        open_source("4711", Opening(), lambda _: None)

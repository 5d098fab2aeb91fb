"""`gallery watch` as a process: a server that is killed, a camera that is lost, Ctrl-C."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gallery import GalleryClient
from gallery.cli.demo_server import kill, started
from gallery.cli.exits import Exit
from tests.cameras.scenes import http_camera, numbered, read_video, write_video


@contextmanager
def watching(*words: object) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "gallery.cli", "watch", *map(str, words), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def answered(process: "subprocess.Popen[str]", count: int) -> None:
    """Wait for lines about people."""
    assert process.stdout is not None
    for _ in range(count):
        assert json.loads(process.stdout.readline())["event"] == "person"


def told(process: "subprocess.Popen[str]", words: str) -> None:
    """Wait for a message."""
    assert process.stderr is not None
    line = process.stderr.readline()
    assert words in line, line


def frames_of(written: Path) -> list[int]:
    return [json.loads(line)["frame"] for line in written.read_text().splitlines()]


def test_a_camera_is_watched_on_after_the_server_was_killed_and_after_it_was_lost(
    tmp_path: Path, model_file: Path
) -> None:
    drawn, written = tmp_path / "seen.mp4", tmp_path / "seen.jsonl"
    with http_camera(numbered(8)[7]) as camera, started(tmp_path / "store", model_file) as server:
        address = server.address
        with GalleryClient(address) as client:
            client.create_gallery("default")
        with watching(camera.url, "--server", address, "-o", drawn, "--json-lines", written) as process:
            answered(process, 3)
            kill(server)
            told(process, "trying again: ")
            with started(tmp_path / "store", model_file, "--listen", address):
                told(process, "answers come again, after ")
                camera.unplug()
                told(process, "is lost")
                camera.plug_in()
                told(process, "is there again, after ")
                process.send_signal(signal.SIGINT)
                _, stderr = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED, stderr
    assert "finishing what is under way" in stderr
    assert " dropped, which came faster than answers" in stderr
    numbers = frames_of(written)
    assert len(numbers) > 3 and numbers == sorted(set(numbers))
    assert read_video(drawn)[0]


def test_no_frame_of_a_recording_is_lost_when_the_server_is_killed(tmp_path: Path, model_file: Path) -> None:
    video, written = write_video(tmp_path / "v.avi", numbered(400)), tmp_path / "seen.jsonl"
    with started(tmp_path / "store", model_file) as server:
        address = server.address
        with GalleryClient(address) as client:
            client.create_gallery("default")
        with watching(video, "--server", address, "--json-lines", written) as process:
            answered(process, 3)
            kill(server)
            with started(tmp_path / "store", model_file, "--listen", address):
                _, stderr = process.communicate(timeout=60)
    assert process.returncode == Exit.DONE, stderr
    assert frames_of(written) == list(range(400))
    assert "trying again: " in stderr and "answers come again" in stderr


def test_one_who_interrupts_while_the_server_is_away_need_not_wait_for_it(tmp_path: Path) -> None:
    drawn = tmp_path / "seen.mp4"
    video = write_video(tmp_path / "v.avi", numbered(20))
    with watching(video, "--server", "127.0.0.1:1", "-o", drawn) as process:
        told(process, "trying again: no answer from a gallery server at 127.0.0.1:1")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (Exit.INTERRUPTED, ""), stderr
    assert "Traceback" not in stderr

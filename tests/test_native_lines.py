"""What libraries in C print while a server runs: in the log, of damaged pictures only for who asks for it."""

import faulthandler
import logging
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from gallery.telemetry.native import native_lines_logged


def test_what_is_printed_past_python_is_logged_and_what_python_prints_is_not(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "gallery")
    with native_lines_logged():
        os.write(2, b"E0000 something native failed\nlibpng error: IDAT: CRC error\nno end \xff")
        print("a traceback", file=sys.stderr)
        faulthandler.dump_traceback(all_threads=False)
    print("after", file=sys.stderr)
    os.write(2, b"after, natively\n")
    assert caplog.record_tuples == [
        ("gallery.telemetry.native", logging.WARNING, "E0000 something native failed"),
        ("gallery.telemetry.native", logging.DEBUG, "libpng error: IDAT: CRC error"),
        ("gallery.telemetry.native", logging.WARNING, "no end \\xff"),
    ]
    printed = capfd.readouterr().err
    assert printed.startswith("a traceback\n") and printed.endswith("after\nafter, natively\n")
    assert "test_native_lines.py" in printed


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_the_decoders_say_of_damaged_pictures_is_known(caplog: pytest.LogCaptureFixture, suffix: str) -> None:
    caplog.set_level(logging.DEBUG, "gallery")
    dice = np.random.default_rng(1)
    whole = cv2.imencode(suffix, dice.integers(256, size=(100, 100, 3), dtype=np.uint8))[1]
    with native_lines_logged():
        for _ in range(100):
            damaged = whole.copy()
            damaged[dice.integers(len(whole) // 3, len(whole), 5)] = dice.integers(256, size=5)
            cv2.imdecode(damaged[: dice.integers(len(whole) // 2, len(whole))], cv2.IMREAD_COLOR)
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}, caplog.text


def test_who_prints_more_than_is_read_waits_for_nobody() -> None:
    program = """if True:
        import ctypes, logging, sys
        from gallery.telemetry.native import native_lines_logged
        with native_lines_logged():
            logging.basicConfig()
            holding_the_gil = ctypes.PyDLL(None).dprintf
            for _ in range(10_000):
                holding_the_gil(2, b"%s\\n", b"x" * 100)
            print("done")
    """
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "done\n"
    assert "WARNING:gallery.telemetry.native:xxx" in ended.stderr


def test_the_traceback_of_a_crash_reaches_standard_error() -> None:
    program = """if True:
        import os
        from gallery.telemetry.native import native_lines_logged
        with native_lines_logged():
            os.abort()
    """
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode < 0
    assert "Fatal Python error: Aborted" in ended.stderr

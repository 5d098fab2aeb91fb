"""The machine: interpreter, packages, processor, clock, and how many files may be open."""

import os
import platform
import resource
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from gallery.checkup.checks import Check, bad, good, warning
from gallery.settings import Settings

_PACKAGES = ("grpcio", "numpy", "onnxruntime", "opencv-python-headless", "qdrant-client", "qdrant-edge-py")
_ENOUGH_FILES = 1024
_CLOCK_SLACK = 120.0  # seconds a file may be ahead of the clock, as file servers are
_CPUINFO = Path("/proc/cpuinfo")


def machine_checks(settings: Settings) -> Iterator[Check]:
    """Look at all of it."""
    yield good("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _packages()
    yield _workers(settings.workers, available_cores())
    yield _files()
    yield clock_check(settings.store, time.time())


def available_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_features() -> frozenset[str]:
    """Read what the processor can do; empty where the system does not say."""
    try:
        lines = _CPUINFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    words = next((line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(words.split())


def clock_check(store: Path, now: float) -> Check:
    """Compare the clock, ``now`` in seconds since 1970, with what was last written to the store and installed here.

    Times of capture and expiry rest on it, and a clock that was set back brings expired templates to life.
    """
    newest = max((path.stat().st_mtime for path in (Path(__file__), *_files_of(store))), default=0.0)
    told = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if newest > now + _CLOCK_SLACK:
        return bad("clock", f"{told}, {newest - now:.0f} s behind the newest file", "set the clock, and keep it by NTP")
    return good("clock", told)


def _files_of(store: Path) -> Iterator[Path]:
    try:
        yield from store.glob("galleries/*/gallery.json")
    except OSError:
        return


def _packages() -> Check:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return bad("packages", f"{', '.join(missing)} not installed", f"pip install {' '.join(missing)}")
    return good("packages", ", ".join(found))


def _workers(workers: int, cores: int) -> Check:
    if workers > cores:
        return warning("cores", f"{cores} for {workers} workers, which only wait for each other", f"--workers {cores}")
    return good("cores", f"{cores} for {workers} workers")


def _files() -> Check:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # which `gallery serve` takes whole
    if limit != resource.RLIM_INFINITY and limit < _ENOUGH_FILES:
        return warning(
            "open files", f"at most {limit}, and every connection takes one", f"ulimit -Hn {_ENOUGH_FILES}, or more"
        )
    return good("open files", "no limit" if limit == resource.RLIM_INFINITY else f"at most {limit}")

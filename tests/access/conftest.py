"""Guarded servers, the file of their keys, and an authority that signs certificates for them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.served import served, settings_for

Serve = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def serve(tmp_path: Path, model_file: Path) -> Iterator[Serve]:
    """Serve with settings of one's own, until the test is over; returns the address."""
    with ExitStack() as servers:

        def start(**settings: Any) -> str:
            return servers.enter_context(served(settings_for(tmp_path, model_file).model_copy(update=settings)))

        yield start


@dataclass(frozen=True)
class Authority:
    """Signs certificates; ``root`` is its own."""

    folder: Path
    ca: trustme.CA

    @property
    def root(self) -> Path:
        file = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(file))
        return file

    def issue(self, name: str, *, common_name: str | None = None) -> tuple[Path, Path]:
        """Write a certificate for ``name`` and its key."""
        issued = self.ca.issue_cert(name, common_name=common_name)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        issued.private_key_pem.write_to_path(str(key))
        return certificate, key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, trustme.CA())

"""Every store of the project, empty and ready."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from gallery.domain import Gallery
from gallery.edge_store import EdgeStore
from gallery.ports import TemplateStore
from gallery.qdrant_store import QdrantStore
from tests.fakes import MemoryStore
from tests.qdrant_server import Address, ServerUnavailable, is_required, running_server
from tests.stores.samples import make_gallery


@pytest.fixture(scope="session")
def qdrant() -> Iterator[Address]:
    """A real Qdrant server. Without one, tests are skipped; in CI they fail."""
    try:
        with running_server() as address:
            yield address
    except ServerUnavailable as error:
        if is_required():
            raise
        pytest.skip(str(error))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["memory", "edge", "qdrant"])
async def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TemplateStore]:
    """Each store in turn, one for all tests of a module: a test keeps to galleries of its own."""
    opened: TemplateStore
    if request.param == "memory":
        opened = MemoryStore()
    elif request.param == "edge":
        opened = EdgeStore(tmp_path_factory.mktemp("edge"))
    else:
        address = request.getfixturevalue("qdrant")
        opened = QdrantStore(address.url, grpc_port=address.grpc_port)
    yield opened
    await opened.close()


@pytest.fixture
def prefix() -> str:
    """What the ids of this test's galleries begin with: the server may be shared."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest_asyncio.fixture(loop_scope="module")
async def gallery(store: TemplateStore, prefix: str) -> AsyncIterator[Gallery]:
    """An empty gallery."""
    created = make_gallery(f"{prefix}-main")
    await store.create_gallery(created)
    yield created
    for each in await store.list_galleries(after=prefix, limit=100):
        if each.gallery_id.startswith(prefix):
            await store.delete_gallery(each.gallery_id)

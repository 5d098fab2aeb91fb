"""Every store of the project, empty and ready."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from qdrant_client import AsyncQdrantClient

from gallery.domain import Gallery
from gallery.edge_store import EdgeStore
from gallery.ports import TemplateStore
from gallery.qdrant_store import QdrantStore
from tests.fakes import MemoryStore
from tests.qdrant_server import Address
from tests.stores.samples import make_gallery


@pytest.fixture
async def beside(qdrant: Address) -> AsyncIterator[AsyncQdrantClient]:
    """Somebody else on the same server."""
    opened = AsyncQdrantClient(
        url=qdrant.url, grpc_port=qdrant.grpc_port, prefer_grpc=True, check_compatibility=False, timeout=30
    )
    yield opened
    await opened.close()


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

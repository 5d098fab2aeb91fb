"""`gallery serve`: every setting of the server as a flag."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gallery.cli.target import settings_of

if TYPE_CHECKING:
    from gallery.server import RunningServer

EPILOG = """Examples:

gallery serve

gallery serve --listen 0.0.0.0:50051 --store /var/lib/gallery

gallery serve --qdrant-url http://localhost:6333

SIGTERM and Ctrl-C stop it after the calls in flight. A flag goes before its environment variable."""


def _flag(name: str, metavar: str, default: str | None, description: str) -> Any:
    """Declare a setting's flag; the settings themselves know the default, here it is only shown."""
    return typer.Option(envvar=f"GALLERY_{name}", metavar=metavar, show_default=default or False, help=description)


Listen = _flag("LISTEN", "HOST:PORT", "127.0.0.1:50051", "where to serve, host:port; port 0 takes a free one")
Model = _flag("MODEL", "FILE", "the bundled one", "ONNX file with a model card")
Store = _flag("STORE", "DIR", "gallery-store", "folder of the embedded store")
QdrantUrl = _flag("QDRANT_URL", "URL", None, "URL of a Qdrant server, instead of the embedded store")
QdrantGrpcPort = _flag("QDRANT_GRPC_PORT", "PORT", "6334", "gRPC port of the Qdrant server")
QdrantApiKey = _flag("QDRANT_API_KEY", "KEY", None, "API key of the Qdrant server")
Workers = _flag("WORKERS", "N", "2", "images embedded at the same time, one core each")
Queue = _flag("QUEUE", "N", "64", "images that may wait; beyond that calls are refused")
MaxImageBytes = _flag("MAX_IMAGE_BYTES", "BYTES", "10485760", "largest image accepted, in bytes")
Grace = _flag("GRACE", "SECONDS", "20.0", "seconds that calls in flight get to finish at shutdown")


def serve(
    listen: Annotated[str | None, Listen] = None,
    model: Annotated[Path | None, Model] = None,
    store: Annotated[Path | None, Store] = None,
    qdrant_url: Annotated[str | None, QdrantUrl] = None,
    qdrant_grpc_port: Annotated[int | None, QdrantGrpcPort] = None,
    qdrant_api_key: Annotated[str | None, QdrantApiKey] = None,
    workers: Annotated[int | None, Workers] = None,
    queue: Annotated[int | None, Queue] = None,
    max_image_bytes: Annotated[int | None, MaxImageBytes] = None,
    grace: Annotated[float | None, Grace] = None,
) -> None:
    """Serve galleries over gRPC until SIGTERM or Ctrl-C."""
    settings = settings_of({name: value for name, value in locals().items() if value is not None})
    from gallery import server

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("gallery").setLevel(logging.INFO)
    asyncio.run(server.serve(settings, _say_ready))


def _say_ready(running: "RunningServer") -> None:
    """Say the address on standard output, for scripts that took a free port."""
    typer.echo(f"serving on {running.address} (model {running.model_name}, store {running.store_name})")
    sys.stdout.flush()

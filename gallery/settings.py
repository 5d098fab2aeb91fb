"""The settings of a server, read once from flags and ``GALLERY_*`` environment variables, then frozen."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

BUNDLED_MODEL = Path(__file__).parent / "models" / "person.onnx"


class Settings(BaseSettings):
    """Every option of a server. An option is set by a flag, else its environment variable, else its default."""

    model_config = SettingsConfigDict(env_prefix="GALLERY_", frozen=True, extra="forbid")

    listen: str = Field(default="127.0.0.1:50051", description="where to serve, host:port; port 0 takes a free one")
    model: Path = Field(default=BUNDLED_MODEL, description="ONNX file with a model card")
    store: Path = Field(default=Path("gallery-store"), description="folder of the embedded store")
    qdrant_url: str | None = Field(default=None, description="URL of a Qdrant server, instead of the embedded store")
    qdrant_grpc_port: int = Field(default=6334, ge=1, le=65535, description="gRPC port of the Qdrant server")
    qdrant_api_key: SecretStr | None = Field(default=None, description="API key of the Qdrant server")
    workers: int = Field(default=2, ge=1, le=256, description="images embedded at the same time, one core each")
    queue: int = Field(default=64, ge=1, le=100_000, description="images that may wait; beyond that calls are refused")
    max_image_bytes: int = Field(default=10 * 2**20, ge=2**10, le=2**30, description="largest image accepted, in bytes")
    grace: float = Field(default=20.0, ge=0.0, description="seconds that calls in flight get to finish at shutdown")

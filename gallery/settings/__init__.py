"""The settings of a server, read once from flags, ``GALLERY_*`` variables and a file, then frozen.

A setting is declared here and nowhere else: its flag, its variable, its key in the file and its line in ``--help``
are made of the declaration.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gallery.settings.addresses import http_urls, listening_address
from gallery.settings.declared import Shown
from gallery.settings.files import SettingsFile

BUNDLED_MODEL = Path(__file__).parents[1] / "models" / "person.onnx"

# the headings of `gallery serve --help`
SERVING, ACCESS, RECOGNITION, STORE, OPERATION = "Serving", "Access", "Recognition", "Store", "Operation"

HttpUrls: TypeAlias = Annotated[str, AfterValidator(http_urls)]
LogFormat: TypeAlias = Literal["text", "json"]
AuditedCalls: TypeAlias = Literal["writes", "all"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    """Every option of a server: set by a flag, else its environment variable, else the file, else its default.

    Raises InvalidParameter for a file that cannot be read or that sets something unknown.
    """

    model_config = SettingsConfigDict(env_prefix="GALLERY_", frozen=True, extra="forbid", env_ignore_empty=True)

    config: Annotated[Path | None, Shown("FILE", SERVING)] = Field(
        default=None, description="TOML file of settings, by the names of the flags with underscores"
    )
    listen: Annotated[str, AfterValidator(listening_address), Shown("HOST:PORT", SERVING)] = Field(
        default="127.0.0.1:50051", description="where to serve, host:port; port 0 takes a free one"
    )
    model: Annotated[Path, Shown("FILE", RECOGNITION, default="the bundled one")] = Field(
        default=BUNDLED_MODEL, description="ONNX file with a model card"
    )
    store: Annotated[Path, Shown("DIR", STORE)] = Field(
        default=Path("gallery-store"), description="folder of the embedded store"
    )
    qdrant_url: Annotated[HttpUrls | None, Shown("URL", STORE)] = Field(
        default=None,
        description="URL of a Qdrant server, or of each node of a cluster (a,b,c), instead of the embedded store",
    )
    qdrant_grpc_port: Annotated[int, Shown("PORT", STORE)] = Field(
        default=6334, ge=1, le=65535, description="gRPC port of the Qdrant server"
    )
    qdrant_api_key: Annotated[SecretStr | None, Shown("KEY", STORE)] = Field(
        default=None, description="API key of the Qdrant server"
    )
    qdrant_ca_file: Annotated[Path | None, Shown("FILE", STORE)] = Field(
        default=None, description="PEM certificates to trust for an https URL, instead of the system's"
    )
    qdrant_shards: Annotated[int | None, Shown("N", STORE)] = Field(
        default=None, ge=1, le=1000, description="shards of a gallery created on Qdrant; else as Qdrant has it"
    )
    qdrant_replicas: Annotated[int | None, Shown("N", STORE)] = Field(
        default=None, ge=1, le=100, description="replicas of a gallery created on Qdrant; else as Qdrant has it"
    )
    qdrant_write_consistency: Annotated[int | None, Shown("N", STORE)] = Field(
        default=None, ge=1, le=100, description="replicas that have a write when it is acknowledged; else one"
    )
    qdrant_quantization: Annotated[Literal["none", "int8"], Shown("KIND", STORE)] = Field(
        default="none", description="int8: searches a copy of a quarter in memory, measures again by vectors on disk"
    )
    workers: Annotated[int, Shown("N", RECOGNITION)] = Field(
        default=2, ge=1, le=256, description="images embedded at the same time, one core each"
    )
    queue: Annotated[int, Shown("N", RECOGNITION)] = Field(
        default=64, ge=1, le=100_000, description="images that may wait; beyond that calls are refused"
    )
    stream_items: Annotated[int, Shown("N", RECOGNITION)] = Field(
        default=8,
        ge=1,
        le=1000,
        description="items of one camera's stream that are held at a time; then it is read no further",
    )
    worker_timeout: Annotated[float, Shown("SECONDS", RECOGNITION)] = Field(
        default=30.0, gt=0.0, description="seconds an image may keep a worker; then it fails and the worker is replaced"
    )
    worker_nice: Annotated[int, Shown("N", RECOGNITION)] = Field(
        default=5, ge=0, le=19, description="how much nicer than the server its workers are (Linux): calls go first"
    )
    max_image_bytes: Annotated[int, Shown("BYTES", RECOGNITION)] = Field(
        default=10 * 2**20, ge=2**10, le=2**30, description="largest image accepted, in bytes"
    )
    grace: Annotated[float, Shown("SECONDS", SERVING)] = Field(
        default=20.0, ge=0.0, description="seconds that calls in flight get to finish at shutdown"
    )
    settle: Annotated[float, Shown("SECONDS", SERVING)] = Field(
        default=0.0,
        ge=0.0,
        description="seconds at shutdown between saying NOT_SERVING and refusing calls, so that load balancers notice",
    )
    log_format: Annotated[LogFormat, Shown(panel=OPERATION)] = Field(
        default="text", description="log lines for people, or a JSON object a line"
    )
    log_level: Annotated[LogLevel, Shown(panel=OPERATION)] = Field(
        default="info", description="the least that is logged; debug has a line for each call"
    )
    metrics_listen: Annotated[str | None, Shown("HOST:PORT", OPERATION)] = Field(
        default=None, description="where Prometheus asks for metrics, by HTTP and in the clear; 127.0.0.1:9464 is usual"
    )
    trace_endpoint: Annotated[str | None, Shown("URL", OPERATION)] = Field(
        default=None, description="OpenTelemetry collector to send traces to, by gRPC; http://127.0.0.1:4317 is usual"
    )
    trace_share: Annotated[float, Shown("SHARE", OPERATION)] = Field(
        default=1.0, ge=0.0, le=1.0, description="share of the calls that are traced, where their callers do not say"
    )

    tls_cert: Annotated[Path | None, Shown("FILE", ACCESS)] = Field(
        default=None, description="certificate chain for TLS, PEM; read again when it changes"
    )
    tls_key: Annotated[Path | None, Shown("FILE", ACCESS)] = Field(
        default=None, description="private key of the certificate, PEM"
    )
    tls_client_ca: Annotated[Path | None, Shown("FILE", ACCESS)] = Field(
        default=None, description="authorities, PEM: clients must show a certificate of one of them, beside their key"
    )
    keys: Annotated[Path | None, Shown("FILE", ACCESS)] = Field(
        default=None, description="file of API keys, made by `gallery keys`; every call then needs one"
    )
    allow_plaintext: Annotated[bool, Shown(panel=ACCESS)] = Field(
        default=False, description="let a server that others can reach go without TLS"
    )
    allow_anonymous: Annotated[bool, Shown(panel=ACCESS)] = Field(
        default=False, description="let a server that others can reach go without API keys"
    )
    audit: Annotated[Path | None, Shown("DIR", ACCESS)] = Field(
        default=None, description="folder of the audit log; one server writes it"
    )
    audit_calls: Annotated[AuditedCalls, Shown(panel=ACCESS)] = Field(
        default="writes", description="what is audited beside refused callers: changes alone, or what is asked, too"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the file, when a flag or the environment names one, behind both."""
        named = {**env_settings(), **init_settings()}.get("config")
        return (
            (init_settings, env_settings)
            if named is None
            else (init_settings, env_settings, SettingsFile(settings_cls, Path(named)))
        )

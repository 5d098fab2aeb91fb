"""How a client connects: its address, its limits, and gRPC's own retries, only where a repeat changes nothing."""

import json
import re

import grpc

from gallery.errors import InvalidParameter
from gallery.v1 import gallery_service_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["GalleryService"].full_name

# Reads, and enrolments: template ids are made from identity and content. A repeated creation or erasure would be
# answered ALREADY_EXISTS or NOT_FOUND although the first one had worked, and a repeated calibration or change would
# be a second one, so these are the caller's to repeat.
RETRIED = (
    "GetGallery",
    "ListGalleries",
    "Enroll",
    "Identify",
    "Verify",
    "Embed",
    "GetIdentity",
    "ListIdentities",
    "Diagnose",
    "ExportGallery",
)
NOT_RETRIED = (
    "CreateGallery",
    "UpdateGallery",
    "DeleteGallery",
    "DeleteIdentity",
    "DeleteTemplate",
    "Calibrate",
    "MergeIdentities",
    "SplitIdentity",
    "UndoChange",
    "IdentifyStream",
    "BulkEnroll",
)

_LARGEST_RETRIED = 64 * 2**20  # gRPC repeats only what it has kept, and keeps 256 KiB unless told
_LARGEST_ANSWER = 64 * 2**20

_PING_AFTER, _PONG_WITHIN = 30_000, 10_000
"""Milliseconds without a word after which a peer that holds a stream is asked whether it lives, and may take to say."""

_LONGEST_UNTIL_RECONNECTED = 10_000
"""Milliseconds between two tries to connect, at most: gRPC's two minutes are long for a camera whose server is back."""

_HOST_AND_PORT = re.compile(r"(?P<host>[^/\s]+):\d{1,5}")
_RESOLVERS = ("unix:", "dns:", "ipv4:", "ipv6:", "xds:")
_LOOPBACK = re.compile(r"(127(\.\d+){3}|localhost|\[::1\]):\d+|unix:.*")


def is_loopback(address: str) -> bool:
    """Say whether what is sent to an address never leaves this machine."""
    return _LOOPBACK.fullmatch(address) is not None


def checked_address(address: str) -> str:
    """Return ``address``, or raise InvalidParameter: without a port gRPC would quietly try 443."""
    if not _HOST_AND_PORT.fullmatch(address) and not address.startswith(_RESOLVERS):
        raise InvalidParameter(f"the server's address {address!r} cannot be used", expected="host:port")
    return address


def checked_timeout(seconds: float) -> float:
    """Return ``seconds``, or raise InvalidParameter: every call has a deadline."""
    if not 0.0 < seconds < float("inf"):
        raise InvalidParameter(f"the timeout {seconds} is no deadline", expected="seconds, more than 0")
    return seconds


def options_of(address: str) -> list[tuple[str, str | int]]:
    """List the channel's options for the server at ``address``."""
    options: list[tuple[str, str | int]] = [
        ("grpc.max_receive_message_length", _LARGEST_ANSWER),
        ("grpc.per_rpc_retry_buffer_size", _LARGEST_RETRIED),
        ("grpc.keepalive_time_ms", _PING_AFTER),
        ("grpc.keepalive_timeout_ms", _PONG_WITHIN),
        ("grpc.max_reconnect_backoff_ms", _LONGEST_UNTIL_RECONNECTED),
        ("grpc.http2.max_pings_without_data", 0),  # a camera may have nothing to say for as long as it likes
        ("grpc.service_config", json.dumps(service_config())),
    ]
    if is_loopback(address):  # a proxy of the environment does not lead back to this machine
        options.append(("grpc.enable_http_proxy", 0))
    return options


def service_config() -> dict[str, object]:
    """Write gRPC's service config: retries with backoff, fewer while they fail, at the server's pace if it names one.

    https://github.com/grpc/proposal/blob/master/A6-client-retries.md
    """
    return {
        "methodConfig": [
            {
                "name": [{"service": SERVICE, "method": method} for method in RETRIED],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": [
                        grpc.StatusCode.UNAVAILABLE.name,
                        grpc.StatusCode.RESOURCE_EXHAUSTED.name,
                    ],
                },
            }
        ],
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }

"""How processes of the mesh reach each other: directly, whatever proxies the environment names."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from services.base.secure.mesh_tls import MESH_NAME, mesh_tls
from services.base.secure.renewed_channel import RenewedChannel

NO_PROXY = ("grpc.enable_http_proxy", 0)
"""Option of a channel. gRPC would obey http_proxy, https_proxy and grpc_proxy, even for loopback."""

SOON_FOUND = tuple((f"grpc.{which}_reconnect_backoff_ms", 200) for which in ("initial", "max"))
"""Options of a channel to a server that may just be starting. Not "min", which also limits the handshake."""


def direct_channel(target: str, options: Sequence[tuple[str, str | int]] = ()) -> grpc.aio.Channel:
    """A channel to a server of the mesh; every channel is opened here. Over TLS where the mesh has certificates."""
    tls = mesh_tls()
    if tls is None:
        return grpc.aio.insecure_channel(target, options=[NO_PROXY, *options])
    named = [NO_PROXY, ("grpc.ssl_target_name_override", MESH_NAME), *options]
    return RenewedChannel(
        lambda: grpc.aio.secure_channel(target, tls.channel_credentials(), options=named), version=tls.renewed
    )

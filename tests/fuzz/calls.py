"""Malformed calls over gRPC: every method of every server of the mesh, in bytes that are nearly a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from services.typography.styles import load_style
from tests.fuzz.findings import Findings, leak_in
from tests.fuzz.mangling import Mangler
from tests.fuzz.messages import message_of
from tests.support import overlay_requests
from tests.support.mesh import Mesh
from vigent.asr.v1 import asr_pb2
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2
from vigent.overlay.v1 import overlay_pb2
from vigent.runtime.v1 import runtime_pb2
from vigent.tts.v1 import tts_pb2

_OWN = {"tts": tts_pb2, "lipsync": lipsync_pb2, "asr": asr_pb2, "overlay": overlay_pb2, "orchestrator": jobs_pb2}
_COMMON = (runtime_pb2, health_pb2, reflection_pb2)
_OWN_SHARE = 0.7  # of the calls; the others go to any method
_AT_ONCE, _WATCHES_AT_ONCE, _TIMEOUT_S, _WATCHED_S = 24, 48, 240.0, 0.5
_EXPECTED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
_CUT_SHORT = "Internal error from Core"
"""What grpc.aio's clients are told of a refusal that came while they were still sending."""
_STYLE, _TITLE = load_style("subtitle", "karaoke"), load_style("title")


@dataclass(frozen=True)
class Method:
    """A method of a server that runs."""

    channel: grpc.aio.Channel
    described: MethodDescriptor

    @property
    def watches(self) -> bool:
        """Whether it would not end by itself."""
        return self.described.name.startswith("Watch")

    @property
    def path(self) -> str:
        """As gRPC has it."""
        return f"/{self.described.containing_service.full_name}/{self.described.name}"


def methods_of(mesh: Mesh, channels: dict[str, grpc.aio.Channel]) -> Iterator[Method]:
    """All of them, also those that every server has."""
    for name in mesh.servers:
        for module in (_OWN[name], *_COMMON):
            services: Sequence[ServiceDescriptor] = list(module.DESCRIPTOR.services_by_name.values())
            for service in services:
                yield from (Method(channels[name], method) for method in service.methods)


async def fuzz_calls(mesh: Mesh, mangler: Mangler, count: int, findings: Findings) -> None:
    """`count` calls, some at the same time."""
    channels = {name: grpc.aio.insecure_channel(server.address) for name, server in mesh.servers.items()}
    methods = list(methods_of(mesh, channels))
    room = {
        False: asyncio.Semaphore(_AT_ONCE),
        True: asyncio.Semaphore(_WATCHES_AT_ONCE),
    }  # which wait, and cost nothing
    common = {module.DESCRIPTOR.name for module in _COMMON}
    own = [method for method in methods if method.described.containing_service.file.name not in common]

    async def call(method: Method, requests: list[bytes]) -> None:
        async with room[method.watches]:
            await _call(method, requests, findings)

    for begun in range(0, count, 1000):  # not all of them in memory
        async with asyncio.TaskGroup() as group:
            for _ in range(min(1000, count - begun)):
                method = mangler.chance.choice(own if mangler.chance.random() < _OWN_SHARE else methods)
                group.create_task(call(method, _requests(method, mangler)))
    for channel in channels.values():
        await channel.close()


def _requests(method: Method, mangler: Mangler) -> list[bytes]:
    """What a caller sends: one message, or several where the method takes a stream."""
    kind, chance = method.described.input_type, mangler.chance
    if kind.full_name == overlay_pb2.RenderRequest.DESCRIPTOR.full_name and chance.random() < 0.7:
        return [_styled(mangler)]
    many = chance.randint(0, 5) if method.described.client_streaming else 1
    whole = [message_of(kind, mangler).SerializeToString() for _ in range(many)]
    return [mangler.data(data) if chance.random() < 0.5 else data for data in whole]


def _styled(mangler: Mangler) -> bytes:
    """A small picture with a style that nearly is one, or a text that nearly is."""
    line = mangler.text(6) if mangler.chance.random() < 0.5 else "标题 Title"
    title = overlay_pb2.Title(lines=[line], frames=5, style_json=mangler.tree(_TITLE))
    asked = overlay_requests.request(width=320, height=480, frames=50, title=title)
    asked.caption_style_json = mangler.tree(_STYLE) if mangler.chance.random() < 0.5 else json.dumps(_STYLE)
    if mangler.chance.random() < 0.3:
        asked.cues[0].lines[0].text = mangler.text(6)
    return bytes(asked.SerializeToString())


async def _call(method: Method, requests: list[bytes], findings: Findings) -> None:
    async def sent() -> AsyncIterator[bytes]:
        for request in requests:
            yield request

    kind = f"gRPC {method.described.containing_service.name}"
    timeout_s = _WATCHED_S if method.watches else _TIMEOUT_S
    call = method.channel.stream_stream(method.path)(sent(), timeout=timeout_s)
    try:
        async for _ in call:
            pass
    except grpc.aio.AioRpcError:
        pass
    code, details = await call.code(), await call.details() or ""
    trailers = "".join(f"{key}: {value!r}" for key, value in await call.trailing_metadata() or ())
    leak = leak_in(details + trailers)
    hurried = method.watches and code is grpc.StatusCode.UNAVAILABLE  # so short a deadline reaches the database, too
    if ((code in _EXPECTED or hurried) and not leak) or details == _CUT_SHORT:
        findings.note(kind, code.name)
    else:
        sizes = [request.hex() for request in requests]
        findings.add(kind, (method.path, sizes), f"{code.name} {leak!r} {details}")

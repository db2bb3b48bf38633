"""Asks a chat model behind any OpenAI-compatible endpoint, and passes its words on as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager

import httpx
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse
from pydantic import BaseModel, ValidationError

from gateway.outside import outside_client
from gateway.settings import GatewaySettings
from gateway.writing.prompts import WritingRequest, messages
from services.base.errors import (
    DeadlineExceededError,
    ExhaustedError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
    VigentError,
)
from services.text.sentences import MAX_SCRIPT_CHARACTERS

_LONGEST_S = 600.0
_MOST_SAID_CHARACTERS = 200
_DONE = "[DONE]"


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Choice]


class Writer:
    """Writes at most `writer_at_once` texts at a time. Its key is sent to the endpoint and told nobody."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings, self._places = settings, asyncio.Semaphore(settings.writer_at_once)

    @property
    def is_there(self) -> bool:
        """Whether the settings name one."""
        return bool(self._settings.writer_url and self._settings.writer_model)

    async def written(self, request: WritingRequest) -> AsyncGenerator[str, None]:
        """The words as they come. Closing the stream ends the model's work.

        Raises NotFoundError where no writer is set, FailedPreconditionError when it refuses, ExhaustedError when it or
        the gateway is busy, UnavailableError when it is away or breaks off, DeadlineExceededError when it is silent.
        """
        if not self.is_there:
            raise NotFoundError("This gateway has no writing model.", "Whoever runs it can set one.", "", "NO_WRITER")
        if self._places.locked():
            raise ExhaustedError("Too much is being written.", "Try again soon.", "", "TOO_MANY_WRITERS", 2.0)
        async with (
            self._places,
            outside_client(self._settings.writer_timeout_s) as http,
            aclosing(self._words(http, request)) as words,
        ):
            with _in_our_words():
                async for word in _until(asyncio.get_running_loop().time() + _LONGEST_S, words):
                    yield word

    async def _words(self, http: httpx.AsyncClient, request: WritingRequest) -> AsyncGenerator[str, None]:
        key, length = self._settings.writer_api_key, 0
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        chat = await asyncio.to_thread(messages, self._settings.writer_prompts, request)
        body = {"model": self._settings.writer_model, "messages": chat, "stream": True}
        url = f"{self._settings.writer_url.rstrip('/')}/chat/completions"
        async with aconnect_sse(http, "POST", url, headers=headers, json=body) as source:
            if not source.response.is_success:
                raise await _refusal(source.response, key)
            async for said in source.aiter_sse():
                if said.data == _DONE:
                    return
                choice = _choice(said)
                if text := choice.delta.content:
                    yield text[: MAX_SCRIPT_CHARACTERS - length]
                    length += len(text)
                if length > MAX_SCRIPT_CHARACTERS or choice.finish_reason not in {None, "stop"}:
                    raise _broken("stopped before its end")
                if choice.finish_reason == "stop":
                    return
        raise _broken("broke off")


async def _until(end_s: float, words: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """The words; raises TimeoutError at `end_s` of the loop. Not `asyncio.timeout`: the stream changes its task."""
    while True:
        try:
            yield await asyncio.wait_for(anext(words), end_s - asyncio.get_running_loop().time())
        except StopAsyncIteration:
            return


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turns what can go wrong between us and the endpoint into our errors."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        problem = "The writing model was silent for too long."
        raise DeadlineExceededError(problem, "Try again.", reason="WRITER_SILENT") from error
    except (SSEError, ValidationError) as error:
        raise _broken("answers in no way that is understood") from error
    except httpx.HTTPError as error:
        problem = f"The writing model cannot be reached ({type(error).__name__})."
        raise UnavailableError(problem, "Try again soon.", reason="WRITER_AWAY") from error


def _choice(said: ServerSentEvent) -> _Choice:
    """What a chunk says; some end with one that has no choices, which counts what was used."""
    chunk = _Chunk.model_validate_json(said.data)
    return chunk.choices[0] if chunk.choices else _Choice()


def _broken(how: str) -> UnavailableError:
    return UnavailableError(f"The writing model {how}.", "Undo, or write it again.", reason="WRITER_BROKE_OFF")


async def _refusal(response: httpx.Response, key: str) -> VigentError:
    """Why the endpoint does not write. Some repeat the key, which nobody is told."""
    status, after = response.status_code, response.headers.get("retry-after", "")
    if status in {401, 403}:
        remedy = "Whoever runs the gateway has to set VIGENT_GATEWAY_WRITER_API_KEY."
        return FailedPreconditionError("The writing model refuses its key.", remedy, reason="WRITER_REFUSES_KEY")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        wait_s = float(after) if after.isdecimal() else 10.0
        return ExhaustedError("The writing model is busy, or its quota is used up.", "", "", "WRITER_BUSY", wait_s)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"The writing model fails (HTTP {status}).", "Try again.", reason="WRITER_AWAY")
    problem = f"The writing model refuses this (HTTP {status}): {_said(await _read(response), key)}"
    return FailedPreconditionError(problem, "Look at its address and model in the settings.", reason="WRITER_REFUSES")


async def _read(response: httpx.Response) -> bytes:
    """The beginning of what it says: no more is shown."""
    async for part in response.aiter_bytes(4096):
        return part
    return b""


def _said(content: bytes, key: str) -> str:
    text = content.decode(errors="replace")
    return " ".join((text.replace(key, "(hidden)") if key else text).split())[:_MOST_SAID_CHARACTERS]

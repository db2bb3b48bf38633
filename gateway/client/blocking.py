"""The client for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
from httpx_sse import connect_sse

from gateway.client import calls
from gateway.client.calls import AnswerT, AssetT, Call
from gateway.client.connecting import DEFAULT_TIMEOUT_S, DEFAULT_URL, PATIENCE_S, READ_BYTES, form_file, options
from gateway.client.following import Fetching, Following, Patience
from gateway.client.problems import error_of, unreachable
from gateway.films.forecast import Forecast
from gateway.films.request import FilmRequest
from gateway.films.script import ScriptRequest, ScriptView
from gateway.films.view import JobEventView, JobState, JobView
from gateway.http.replicas import ServiceState
from gateway.library.assets import Asset, Description, Voices
from services.base.errors import VigentError


class Client:
    """A gateway, asked over HTTP. To be closed, or used with `with`; several threads may share one.

    Every method raises what the gateway tells (the errors of `vigent.client`, with `reason`, `field`, `problem` and
    `remedy`), UnavailableError (UNREACHABLE) when it cannot be reached, and DeadlineExceededError after `timeout_s`.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str = "",
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        http: httpx.Client | None = None,
    ) -> None:
        """`key`: one of `vigent keys add`; on the gateway's own machine none is needed.

        `patience_s`: how long events and downloads are tried again while nobody answers. `http` goes through a proxy of
        your own, or trusts your authority.
        """
        self._http = http or httpx.Client(trust_env=False)
        self._options, self._patience_s = options(url, key, timeout_s), patience_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def make(self, request: FilmRequest, idempotency_key: str = "") -> JobView:
        """Submits a film. Sent again with the same `idempotency_key`, it is the same job."""
        return self._ask(calls.make(request, idempotency_key))

    def jobs(self, state: JobState | None = None) -> Iterator[JobView]:
        """All jobs, newest first; pages are fetched as they are needed."""
        token = ""
        while True:
            page = self._ask(calls.jobs(state, token))
            yield from page.jobs
            if not (token := page.next_page_token):
                return

    def job(self, job_id: str) -> JobView:
        """The job as it is now."""
        return self._ask(calls.job(job_id))

    def cancel(self, job_id: str) -> JobView:
        """Cancels a job; what is finished is kept for a retry."""
        return self._ask(calls.act(job_id, "cancel"))

    def retry(self, job_id: str) -> JobView:
        """Goes on with a failed or cancelled job where it stopped."""
        return self._ask(calls.act(job_id, "retry"))

    def delete(self, job_id: str) -> None:
        """Deletes a job that has ended, and its files."""
        self._ask(calls.delete(job_id))

    def events(self, job_id: str, after: int = 0) -> Iterator[JobEventView]:
        """Every event of a job after the one with the id `after`, until the job ends; each comes once.

        A lost connection, a gateway that restarts or has lost its orchestrator is tried again for `patience_s`.
        """
        following = Following(job_id, after, Patience(self._patience_s))
        while not following.ended:
            try:
                yield from self._stream(following)
            except VigentError as error:
                time.sleep(following.patience.pause_s(error))

    def finished(self, job_id: str) -> JobView:
        """The job, once it has ended: look at its `state`. Waits as long as it takes."""
        for _ in self.events(job_id):
            pass
        return self.job(job_id)

    def download(self, job_id: str, output: str, target: Path | str) -> Path:
        """Fetches an output, such as film.mp4, captions.srt, captions.vtt, captions.ass, words.json or cover.jpg.

        The file appears when it is whole and has the content's hash. A lost connection is taken up where it was.
        Raises NotFoundError (NOT_READY) for what is not made yet.
        """
        with Fetching(job_id, output, Path(target), Patience(self._patience_s)) as fetching:
            while not self._fetched(fetching):
                pass
            return fetching.finish()

    def script(self, request: ScriptRequest) -> ScriptView:
        """How a script is cut and read, how long it takes, and what may go wrong with it."""
        return self._ask(calls.script(request))

    def forecast(self, request: FilmRequest) -> Forecast:
        """What of a film is there already, and what would be made."""
        return self._ask(calls.forecast(request))

    def voices(self) -> Voices:
        """The engine's voices, and the recordings that can be cloned."""
        return self._ask(calls.voices())

    def library(self, asset_type: type[AssetT]) -> list[AssetT]:
        """All entries of a kind: Footage, Voice, Music, Font or Style."""
        return self._ask(calls.library(asset_type))

    def upload(self, asset_type: type[AssetT], path: Path | str, description: Description | None = None) -> AssetT:
        """Adds a file to a library. A Voice needs a VoiceDescription, with the speaker's consent; a Style its role."""
        call = calls.upload(asset_type, description or Description())
        with form_file(path) as files:
            return self._ask(call, files)

    def remove(self, asset_type: type[Asset], asset_id: str) -> None:
        """Deletes an upload from a library."""
        self._ask(calls.remove(asset_type, asset_id))

    def services(self) -> list[ServiceState]:
        """The mesh as it is now."""
        return self._ask(calls.services())

    def _ask(self, call: Call[AnswerT], files: dict[str, Any] | None = None) -> AnswerT:
        try:
            sent = {**call.sent, **self._options.sent(call.path, call.headers)}
            response = self._http.request(call.verb, files=files, **sent)
        except httpx.TransportError as error:
            raise unreachable(error, self._options.url) from error
        if not response.is_success:
            raise error_of(response)
        return call.read(response.content)

    def _stream(self, following: Following) -> Iterator[JobEventView]:
        sent = self._options.sent(following.path, following.headers)
        try:
            with connect_sse(self._http, "GET", **sent) as source:
                if source.response.status_code == httpx.codes.NO_CONTENT:
                    following.ended = True
                    return
                self._check(source.response)
                following.patience.connected()
                yield from filter(None, map(following.told, source.iter_sse()))
        except httpx.TransportError as error:
            raise unreachable(error, self._options.url) from error
        if not following.ended:
            raise following.cut()

    def _fetched(self, fetching: Fetching) -> bool:
        """Whether all of it is there. Waits where a connection was lost."""
        try:
            with self._http.stream("GET", **self._options.sent(fetching.path, fetching.headers)) as response:
                self._check(response)
                fetching.began(response)
                for data in response.iter_raw(READ_BYTES):
                    fetching.write(data)
        except httpx.TransportError as error:
            time.sleep(fetching.patience.pause_s(unreachable(error, self._options.url)))
            return False
        return True

    def _check(self, response: httpx.Response) -> None:
        if not response.is_success:
            response.read()
            raise error_of(response)

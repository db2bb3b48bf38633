"""TikTok: a draft in the inbox of whoever agreed, sent in parts; the owner finishes it in the app.

developers.tiktok.com: Content Posting API (upload a video, media transfer, get post status), Login Kit for desktop.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import httpx
from typing_extensions import override

from gateway.publishing.connectors.provider import (
    REJECTED,
    Capabilities,
    Keep,
    Outcome,
    Plan,
    Progress,
    Provider,
    Tokens,
    json_of,
    refused,
)
from gateway.publishing.platforms import PlatformId
from services.base.errors import ExhaustedError, FailedPreconditionError, UnauthenticatedError

_NAME = "TikTok"
_SIGN_IN, _API = "https://www.tiktok.com/v2/auth/authorize/", "https://open.tiktokapis.com"
_TOKEN, _REVOKE = f"{_API}/v2/oauth/token/", f"{_API}/v2/oauth/revoke/"
_INIT, _STATUS = f"{_API}/v2/post/publish/inbox/video/init/", f"{_API}/v2/post/publish/status/fetch/"
_PART_BYTES = 10_000_000  # 5 to 64 MB; the last takes what is left and may be larger
_MANY = {"spam_risk_too_many_pending_share", "spam_risk_too_many_posts", "spam_risk_user_banned_from_posting"}
_DAY_PART_S, _MINUTE_S = 3600.0, 60.0
_EXPIRED = {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.GONE}
_THERE = re.compile(r"bytes 0-(\d+)/")


class TikTok(Provider):
    """Sends drafts to the inbox of whoever agreed."""

    platform: ClassVar[PlatformId] = "tiktok"
    capabilities: ClassVar[Capabilities] = Capabilities(
        result="draft", visibilities=[], texts=False, declares_ai=False, schedules=False
    )

    @override
    def sign_in_url(self, redirect: str, state: str, verifier: str) -> str:
        query = {
            "client_key": self.client.id,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": "user.info.basic,video.upload",
            "state": state,
            "code_challenge": hashlib.sha256(verifier.encode()).hexdigest(),  # in hexadecimal digits, unlike RFC 7636
            "code_challenge_method": "S256",
        }
        return f"{self.client.at(_SIGN_IN)}?{urlencode(query)}"

    @override
    async def tokens(self, http: httpx.AsyncClient, code: str, redirect: str, verifier: str) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        return await self._asked_for(http, form)

    @override
    async def renewed(self, http: httpx.AsyncClient, tokens: Tokens) -> Tokens:
        return await self._asked_for(http, {"grant_type": "refresh_token", "refresh_token": tokens.refresh})

    @override
    async def revoke(self, http: httpx.AsyncClient, tokens: Tokens) -> None:
        await http.post(self.client.at(_REVOKE), data={**self._own(), "token": tokens.access})

    @override
    async def upload(self, http: httpx.AsyncClient, access: str, plan: Plan, progress: Progress, keep: Keep) -> None:
        if not progress.session:
            await self._begin(http, access, plan, progress)
        await keep(progress)
        for start, length in parts(plan.size_bytes):
            if start < progress.sent_bytes:
                continue
            range_ = f"bytes {start}-{start + length - 1}/{plan.size_bytes}"
            headers = {"Content-Type": "video/mp4", "Content-Range": range_}
            response = await http.put(progress.session, content=plan.part(start, length), headers=headers)
            _check_taken(response, start + length, progress)
            progress.sent_bytes = start + length
            await keep(progress)

    @override
    async def status(self, http: httpx.AsyncClient, access: str, progress: Progress) -> Outcome:
        told = await self._told(http, access, _STATUS, {"publish_id": progress.remote_id})
        match told.get("status"):
            case "SEND_TO_USER_INBOX" | "PUBLISH_COMPLETE":
                return Outcome(stage="done")
            case "FAILED":
                problem = f"TikTok does not take the film: {told.get('fail_reason', 'no reason given')}."
                raise FailedPreconditionError(problem, "Mend what it names, then try again.", reason=REJECTED)
            case _:
                return Outcome(stage="processing")

    async def _begin(self, http: httpx.AsyncClient, access: str, plan: Plan, progress: Progress) -> None:
        sizes = list(parts(plan.size_bytes))
        source = {"source": "FILE_UPLOAD", "video_size": plan.size_bytes}
        source |= {"chunk_size": sizes[0][1], "total_chunk_count": len(sizes)}
        told = await self._told(http, access, _INIT, {"source_info": source})
        progress.session, progress.remote_id = str(told["upload_url"]), str(told["publish_id"])
        progress.sent_bytes = 0

    async def _told(self, http: httpx.AsyncClient, access: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
        """The data of an answer. Errors come with statuses and with words of their own."""
        headers = {"Authorization": f"Bearer {access}"}
        response = await http.post(self.client.at(url), json=body, headers=headers)
        told = json_of(response, _NAME)
        error = told.get("error") or {}
        code, message = str(error.get("code", "")), str(error.get("message", ""))
        if code in _MANY:
            raise ExhaustedError(f"TikTok takes no more today ({code}).", "", "", "QUOTA", _DAY_PART_S)
        if code == "rate_limit_exceeded":
            raise ExhaustedError("TikTok takes no more this minute.", "", "", "PLATFORM_BUSY", _MINUTE_S)
        if not response.is_success or code not in {"", "ok"}:
            raise refused(_NAME, response.status_code, code, message)
        return dict(told.get("data") or {})

    async def _asked_for(self, http: httpx.AsyncClient, form: dict[str, str]) -> Tokens:
        response = await http.post(self.client.at(_TOKEN), data={**self._own(), **form})
        told = json_of(response, _NAME)
        if told.get("error") in {"invalid_grant", "access_token_invalid"}:
            problem = "TikTok no longer accepts what the account's owner allowed."
            raise UnauthenticatedError(problem, "Connect the account again.", reason="SIGN_IN_AGAIN")
        if "access_token" not in told:
            status = response.status_code if response.is_error else 400
            raise refused(_NAME, status, str(told.get("error", "")), "it gives no token")
        ends = datetime.now(UTC) + timedelta(seconds=float(told.get("expires_in", 86_400)))
        named = {"account": str(told.get("open_id", "")), "refresh": str(told.get("refresh_token", ""))}
        return Tokens(access=told["access_token"], ends=ends, **named)

    def _own(self) -> dict[str, str]:
        return {"client_key": self.client.id, "client_secret": self.client.secret}


def parts(size_bytes: int) -> Iterator[tuple[int, int]]:
    """Start and length of each part: equally long, but for the last, which takes the rest."""
    count = max(1, size_bytes // _PART_BYTES)
    for n in range(count):
        start = n * _PART_BYTES
        yield start, (size_bytes - start if n == count - 1 else _PART_BYTES)


def _check_taken(response: httpx.Response, end: int, progress: Progress) -> None:
    """Raises unless the film is there up to `end`. An address lives for an hour; after that all is sent anew."""
    there = _THERE.match(response.headers.get("content-range", ""))
    known = response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
    if known and there and int(there[1]) + 1 >= end:  # it came before a process died, which could not note it
        return
    if known or response.status_code in _EXPIRED:
        progress.session, progress.sent_bytes, progress.remote_id = "", 0, ""
        raise refused(_NAME, 503, "address expired", "it begins anew")
    if not response.is_success:
        raise refused(_NAME, response.status_code, "", response.text)

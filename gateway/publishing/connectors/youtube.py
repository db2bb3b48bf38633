"""YouTube: resumable uploads of the Data API v3, with the declaration of synthetic media and its own schedule.

developers.google.com/youtube/v3/guides/using_resumable_upload_protocol, .../docs/videos, identity/protocols/oauth2.
"""

from __future__ import annotations

import base64
import hashlib
import re
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
from services.base.errors import ExhaustedError, FailedPreconditionError, UnauthenticatedError, VigentError

_NAME = "YouTube"
_SIGN_IN, _TOKEN = "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token"
_REVOKE = "https://oauth2.googleapis.com/revoke"
_UPLOAD = "https://www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"
_VIDEOS = "https://www.googleapis.com/youtube/v3/videos"
_SCOPES = "https://www.googleapis.com/auth/youtube.upload https://www.googleapis.com/auth/youtube.readonly"
_PART_BYTES = 8 << 20  # a multiple of 256 KiB, as the protocol asks for
_QUOTA_AGAIN_S = 3600.0  # quotas begin anew at midnight Pacific time
_PEOPLE_AND_BLOGS = "22"
_RESUME = 308
_OVER = {"quotaExceeded", "uploadLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded"}


class YouTube(Provider):
    """Posts to the channel of whoever agreed."""

    platform: ClassVar[PlatformId] = "youtube"
    capabilities: ClassVar[Capabilities] = Capabilities(
        result="post", visibilities=["public", "unlisted", "private"], texts=True, declares_ai=True, schedules=True
    )

    @override
    def sign_in_url(self, redirect: str, state: str, verifier: str) -> str:
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": self.client.id,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": _SCOPES,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",  # else no refresh token comes the second time
        }
        return f"{self.client.at(_SIGN_IN)}?{urlencode(query)}"

    @override
    async def tokens(self, http: httpx.AsyncClient, code: str, redirect: str, verifier: str) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        return _tokens(await self._asked_for(http, form))

    @override
    async def renewed(self, http: httpx.AsyncClient, tokens: Tokens) -> Tokens:
        told = await self._asked_for(http, {"grant_type": "refresh_token", "refresh_token": tokens.refresh})
        return _tokens({"refresh_token": tokens.refresh, **told})

    @override
    async def revoke(self, http: httpx.AsyncClient, tokens: Tokens) -> None:
        await http.post(self.client.at(_REVOKE), data={"token": tokens.refresh or tokens.access})

    @override
    async def upload(self, http: httpx.AsyncClient, access: str, plan: Plan, progress: Progress, keep: Keep) -> None:
        if progress.session:
            progress.sent_bytes = await self._received(http, plan, progress)
        else:
            progress.session, progress.sent_bytes = await self._session(http, access, plan), 0
        await keep(progress)
        while not progress.remote_id:
            data = plan.part(progress.sent_bytes, _PART_BYTES)
            end = progress.sent_bytes + len(data)
            headers = {"Content-Range": f"bytes {progress.sent_bytes}-{end - 1}/{plan.size_bytes}"}
            response = await http.put(progress.session, content=data, headers=headers)
            progress.sent_bytes = _taken(response, plan, progress)
            await keep(progress)

    @override
    async def status(self, http: httpx.AsyncClient, access: str, progress: Progress) -> Outcome:
        asked = {"part": "status", "id": progress.remote_id}
        response = await http.get(self.client.at(_VIDEOS), params=asked, headers=_bearer(access))
        items = _good(response).get("items") or []
        status = items[0]["status"] if items else {"uploadStatus": "deleted"}
        match status.get("uploadStatus"):
            case "processed":
                return Outcome(stage="done", url=f"https://youtu.be/{progress.remote_id}")
            case "uploaded":
                return Outcome(stage="processing", url=f"https://youtu.be/{progress.remote_id}")
            case other:
                why = status.get("rejectionReason") or status.get("failureReason") or str(other)
                problem = f"YouTube does not take the film: {why}."
                raise FailedPreconditionError(problem, "Look at it in YouTube Studio.", reason=REJECTED)

    @override
    async def cancel(self, http: httpx.AsyncClient, progress: Progress) -> None:
        if progress.session and not progress.remote_id:
            await http.delete(progress.session)

    async def _asked_for(self, http: httpx.AsyncClient, form: dict[str, str]) -> dict[str, Any]:
        secret = {"client_id": self.client.id, "client_secret": self.client.secret}
        response = await http.post(self.client.at(_TOKEN), data={**form, **secret})
        told = json_of(response, _NAME)
        if told.get("error") == "invalid_grant":
            problem = "YouTube no longer accepts what the account's owner allowed."
            raise UnauthenticatedError(problem, "Connect the account again.", reason="SIGN_IN_AGAIN")
        if not response.is_success:
            raise refused(_NAME, response.status_code, str(told.get("error", "")), "it gives no token")
        return told

    async def _session(self, http: httpx.AsyncClient, access: str, plan: Plan) -> str:
        """Where the film is to be sent. Whoever has the address may send to it."""
        size = {"X-Upload-Content-Type": "video/mp4", "X-Upload-Content-Length": str(plan.size_bytes)}
        url = self.client.at(_UPLOAD)
        response = await http.post(url, json=_resource(plan), headers={**_bearer(access), **size})
        _good(response)
        return response.headers["location"]

    async def _received(self, http: httpx.AsyncClient, plan: Plan, progress: Progress) -> int:
        """How much is there, as YouTube knows it: more than was kept, or all of it, after a process has died."""
        response = await http.put(progress.session, headers={"Content-Range": f"bytes */{plan.size_bytes}"})
        return _taken(response, plan, progress)


def _taken(response: httpx.Response, plan: Plan, progress: Progress) -> int:
    """Bytes that are there after an answer to a part; notes the film's id when it is whole."""
    if response.status_code == _RESUME:
        found = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("range", ""))
        return int(found[1]) + 1 if found else 0
    if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        progress.session, progress.sent_bytes = "", 0  # a session lives for a week
        raise refused(_NAME, 503, "session expired", "it begins anew")
    progress.remote_id = str(_good(response)["id"])
    return plan.size_bytes


def _resource(plan: Plan) -> dict[str, Any]:
    """The video resource. With a time it becomes public by itself, and has to be private until then."""
    time = plan.publish_time if plan.visibility == "public" else None
    later = time if time and time > datetime.now(UTC) else None
    status: dict[str, Any] = {
        "privacyStatus": "private" if later else plan.visibility,
        "containsSyntheticMedia": plan.ai_made,
        "selfDeclaredMadeForKids": False,
    }
    if later:
        status["publishAt"] = later.strftime("%Y-%m-%dT%H:%M:%SZ")
    texts = {"title": plan.texts.title, "description": plan.texts.description, "tags": plan.texts.tags}
    return {"snippet": {**texts, "categoryId": _PEOPLE_AND_BLOGS}, "status": status}


def _bearer(access: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access}"}


def _tokens(told: dict[str, Any]) -> Tokens:
    ends = datetime.now(UTC) + timedelta(seconds=float(told.get("expires_in", 3600)))
    return Tokens(access=told["access_token"], refresh=told.get("refresh_token", ""), ends=ends)


def _good(response: httpx.Response) -> dict[str, Any]:
    """What it says. Raises what it refuses."""
    if response.is_success:
        return json_of(response, _NAME) if response.content else {}
    raise _refusal(response)


def _refusal(response: httpx.Response) -> VigentError:
    after = response.headers.get("retry-after", "")
    after_s = float(after) if after.isdecimal() else None
    try:
        error = response.json()["error"]
        reason, message = error["errors"][0]["reason"], error["message"]
    except (ValueError, LookupError, TypeError):
        reason, message = "", response.text
    if reason in _OVER:
        problem = f"YouTube's quota is used up ({reason})."
        return ExhaustedError(problem, "It is tried again later.", "", "QUOTA", after_s or _QUOTA_AGAIN_S)
    return refused(_NAME, response.status_code, reason, message, after_s)

"""Accounts at platforms: connected in the browser by OAuth with PKCE (RFC 7636), renewed while they are used."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from gateway.publishing.connectors.provider import Provider, Tokens
from gateway.publishing.connectors.records import ConnectorRecords
from gateway.publishing.platforms import PlatformId
from services.base.errors import (
    FailedPreconditionError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    VigentError,
)

_SIGN_IN_S, _MOST_SIGN_INS = 600.0, 100
_BEFORE_END = timedelta(seconds=60)


@dataclass(frozen=True)
class _SignIn:
    owner: str
    platform: PlatformId
    redirect: str
    verifier: str
    ends_s: float


class Accounts:
    """What owners have connected. To be used on one event loop."""

    def __init__(
        self, providers: Mapping[PlatformId, Provider], records: ConnectorRecords, http: httpx.AsyncClient
    ) -> None:
        self._providers, self._records, self._http = providers, records, http
        self._sign_ins: dict[str, _SignIn] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def providers(self) -> Mapping[PlatformId, Provider]:
        """The connectors there are."""
        return self._providers

    def provider(self, platform: PlatformId) -> Provider:
        """The platform's connector. Raises NotFoundError where the settings have none."""
        if platform not in self._providers:
            remedy = "Whoever runs the gateway sets client id and secret (docs/publishing.md)."
            raise NotFoundError(f"{platform} is not connected to this gateway.", remedy, "platform", "NO_CONNECTOR")
        return self._providers[platform]

    async def is_connected(self, owner: str, platform: PlatformId) -> bool:
        """Whether the owner has an account there."""
        return await asyncio.to_thread(self._records.tokens, owner, platform) is not None

    def begin(self, owner: str, platform: PlatformId, redirect: str) -> str:
        """Where the owner's browser goes to agree. The state and the verifier are good for ten minutes, once."""
        provider, now_s = self.provider(platform), time.monotonic()
        self._sign_ins = {state: one for state, one in self._sign_ins.items() if one.ends_s > now_s}
        while len(self._sign_ins) >= _MOST_SIGN_INS:
            del self._sign_ins[next(iter(self._sign_ins))]
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        self._sign_ins[state] = _SignIn(owner, platform, redirect, verifier, now_s + _SIGN_IN_S)
        return provider.sign_in_url(redirect, state, verifier)

    async def finish(self, owner: str, platform: PlatformId, state: str, code: str) -> None:
        """Keeps the account. Raises FailedPreconditionError for a sign-in that this owner did not begin here."""
        begun = self._sign_ins.pop(state, None)
        if begun is None or (begun.owner, begun.platform) != (owner, platform) or begun.ends_s < time.monotonic():
            problem = "This sign-in was not begun here, or it took too long."
            raise FailedPreconditionError(problem, "Connect the account again.", "state", "UNKNOWN_SIGN_IN")
        try:
            tokens = await self._providers[platform].tokens(self._http, code, begun.redirect, begun.verifier)
        except (httpx.HTTPError, KeyError) as error:
            raise away(platform, error) from error
        await asyncio.to_thread(self._records.keep_tokens, owner, platform, tokens)

    async def access(self, owner: str, platform: PlatformId, refused: str = "") -> str:
        """A token that holds; a new one in place of `refused`. Raises UnauthenticatedError without an account."""
        async with self._locks[owner, platform]:
            tokens = await asyncio.to_thread(self._records.tokens, owner, platform)
            if tokens is None:
                problem = f"No account of {platform} is connected."
                raise UnauthenticatedError(problem, "Connect it.", "platform", "NOT_CONNECTED")
            if tokens.access == refused or tokens.ends - _BEFORE_END < datetime.now(UTC):
                tokens = await self._renewed(owner, platform, tokens)
            return tokens.access

    async def disconnect(self, owner: str, platform: PlatformId) -> None:
        """Forgets the account, and tells the platform if it can be reached."""
        tokens = await asyncio.to_thread(self._records.tokens, owner, platform)
        await asyncio.to_thread(self._records.forget_tokens, owner, platform)
        if tokens:
            with suppress(httpx.HTTPError, VigentError):
                await self.provider(platform).revoke(self._http, tokens)

    async def _renewed(self, owner: str, platform: PlatformId, tokens: Tokens) -> Tokens:
        if not tokens.refresh:
            problem = f"What was allowed at {platform} has ended."
            raise UnauthenticatedError(problem, "Connect the account again.", "platform", "SIGN_IN_AGAIN")
        try:
            renewed = await self.provider(platform).renewed(self._http, tokens)
        except (httpx.HTTPError, KeyError) as error:
            raise away(platform, error) from error
        await asyncio.to_thread(self._records.keep_tokens, owner, platform, renewed)
        return renewed


def away(platform: str, error: Exception) -> UnavailableError:
    """The error for a platform that does not answer; what is sent to it is not repeated."""
    problem = f"{platform} cannot be reached ({type(error).__name__})."
    return UnavailableError(problem, "It is tried again soon.", reason="PLATFORM_AWAY")

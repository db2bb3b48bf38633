"""Who calls: a key, a browser that has signed in with one, or the user of this machine."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from gateway.access.keys import Key, KeyRing
from gateway.access.rules import SCOPES, Need, Scope
from services.base.secure.peers import Place, is_loopback, is_of_this_user

COOKIE = "vigent_session"
SESSION_S = 7 * 24 * 3600.0
_MOST_SESSIONS = 10_000
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""What a proxy adds: behind one, whoever connects is not whoever asks."""


@dataclass(frozen=True)
class Caller:
    """Who calls. `key` is None for the user of this machine, who has no limits."""

    name: str
    scopes: frozenset[Scope]
    key: Key | None = None
    by_cookie: bool = False

    def may(self, need: Need) -> bool:
        """Whether what a route asks for is given."""
        return need in {"nothing", "a key"} or need in self.scopes or "admin" in self.scopes


def caller_with(key: Key, *, by_cookie: bool = False) -> Caller:
    """Whoever has this key."""
    return Caller(key.name, frozenset(key.scopes), key, by_cookie)


def own_user(*, by_cookie: bool = False) -> Caller:
    """The user who runs the mesh."""
    return Caller("the user of this machine", frozenset(SCOPES), by_cookie=by_cookie)


@dataclass(frozen=True)
class _Session:
    ends_s: float
    key_id: str
    """"" for the user of this machine."""
    secrets: tuple[str, ...]
    """Hashes of the key's secrets at that time: a session ends when none of them is valid any more."""


class Sessions:
    """Browsers that have signed in. They are forgotten when the gateway ends, and so is the oldest of too many."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def begin(self, caller: Caller) -> str:
        """A new session's cookie."""
        name = secrets.token_urlsafe(32)
        key = caller.key
        hashes = tuple(secret.sha256 for secret in key.secrets) if key else ()
        self._sessions[name] = _Session(time.monotonic() + SESSION_S, key.id if key else "", hashes)
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return name

    def caller(self, name: str) -> Caller | None:
        """Who signed in; None for a session that has ended, or whose key has."""
        session = self._sessions.get(name)
        if session is None or time.monotonic() > session.ends_s:
            self.end(name)
            return None
        if not session.key_id:
            return own_user(by_cookie=True)
        key, now = self._keys.by_id(session.key_id), datetime.now(UTC)
        if key and any(secret.valid(now) and secret.sha256 in session.secrets for secret in key.secrets):
            return caller_with(key, by_cookie=True)
        return None

    def end(self, name: str) -> None:
        """Signs out."""
        self._sessions.pop(name, None)


class Doorkeeper:
    """Tells who a request comes from."""

    def __init__(self, keys: KeyRing, *, trusts_own_user: bool, studio_token: str = "") -> None:
        """`studio_token`: what `vigent up` printed for its user, "" for none."""
        self.keys, self.sessions = keys, Sessions(keys)
        self._trusts_own_user, self._studio_token = trusts_own_user, studio_token

    def caller(self, headers: Mapping[str, str], cookie: str, peer: Place, here: Place) -> Caller | None:
        """Who asks: by key, else by session, else by being the user of this machine; None for nobody known."""
        scheme, _, text = headers.get("authorization", "").partition(" ")
        key = self.keys.of(text.strip()) if scheme.lower() == "bearer" else None
        if key is not None:
            return caller_with(key)
        if cookie and (caller := self.sessions.caller(cookie)):
            return caller
        return own_user() if self._trusts_own_user and _is_own_user(headers, peer, here) else None

    def known_by(self, text: str) -> Caller | None:
        """Who has a key or the token of `vigent up`, as typed into the page; None for neither."""
        if self._studio_token and hmac.compare_digest(text.encode(), self._studio_token.encode()):
            return own_user()
        key = self.keys.of(text)
        return None if key is None else caller_with(key)

    def has_token(self, token: str) -> bool:
        """Whether it is the token of `vigent up`, the only one that may stand in an address."""
        return bool(self._studio_token) and hmac.compare_digest(token.encode(), self._studio_token.encode())


def host_name(host: str) -> str:
    """The name in a Host header, without its port; "" where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own_user(headers: Mapping[str, str], peer: Place, here: Place) -> bool:
    """Not behind a proxy, nor under another name than this machine's own, which a tunnel would bring."""
    named = host_name(headers.get("host", ""))
    if not (is_loopback(peer[0]) and is_loopback(named)) or any(name in headers for name in _FORWARDED):
        return False
    return is_of_this_user(peer, here)

"""Who may do what: the scope that each route of the gateway asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from starlette.routing import compile_path

Scope = Literal["make", "read", "library", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
USUAL_SCOPES: tuple[Scope, ...] = ("make", "read", "library")

Need = Scope | Literal["nothing", "a key"]
"""What a caller must have: nothing at all, any key, or a scope."""

_JOB = "/api/v1/jobs/{job_id}"
_PAGES = (
    *("/", "/works", "/works/{job_id}", "/works/{job_id}/compare", "/works/{job_id}/compare/{other_id}"),
    *("/publish", "/publish/{job_id}", "/batch", "/library", "/library/{kind}", "/mesh"),
)
_STATIC = ("/studio/{path:path}", "/docs", "/docs/files/{path:path}", "/openapi.json")
_STATE = ("/metrics", "/probe/{service}", "/api/v1/services", "/v1/models", "/v1/models/{model_id}")
_ASSETS = ("/assets/{kind}/{name}", "/assets/{path:path}")
_DELIVERY = tuple(f"/api/v1/deliveries/{{delivery_id}}/{verb}" for verb in ("cancel", "retry"))
_AUDIO = ("/v1/audio/speech", "/v1/audio/transcriptions")
_AHEAD = tuple(f"/api/v1/{what}" for what in ("script", "sample", "preflight", "forecast", "takes"))
"""What is asked before a film is ordered."""
_WORK = (*_AHEAD, *_AUDIO)
_LIBRARIES = tuple(f"/api/v1/{kind}" for kind in ("footage", "voices", "music", "fonts", "styles"))


def _all(paths: Iterable[str], **needs: Need) -> dict[str, Mapping[str, Need]]:
    return dict.fromkeys(paths, needs)


RULES: Mapping[str, Mapping[str, Need]] = {
    **_all(("/livez", "/readyz", "/favicon.svg", "/sign-in/font"), GET="nothing"),
    **_all(("/sign-in",), GET="nothing", POST="nothing"),
    **_all(("/sign-out",), POST="nothing"),
    **_all((*_PAGES, *_STATIC), GET="a key"),
    **_all((*_STATE, *_ASSETS), GET="read"),
    **_all(_WORK, POST="make"),
    **_all(("/api/v1/connectors",), GET="read"),
    **_all(("/api/v1/connectors/{platform}",), DELETE="make"),
    **_all(("/connect/{platform}",), GET="make"),
    **_all((f"{_JOB}/deliveries",), GET="read", POST="make"),
    **_all(("/api/v1/connectors/{platform}/sign-in", *_DELIVERY), POST="make"),
    **_all(("/api/v1/writing",), GET="read", POST="make"),
    **_all(("/api/v1/jobs",), GET="read", POST="make"),
    **_all((_JOB,), GET="read", DELETE="make"),
    **_all((f"{_JOB}/cancel", f"{_JOB}/retry", f"{_JOB}/posts", f"{_JOB}/revision"), POST="make"),
    **_all((f"{_JOB}/posts/{{post_id}}",), DELETE="make"),
    **_all((f"{_JOB}/publication",), GET="read", PUT="make"),
    **_all((f"{_JOB}/covers/{{platform}}", f"{_JOB}/packs/{{platform}}", "/api/v1/platforms"), GET="read"),
    **_all((f"{_JOB}/events", f"{_JOB}/preview", f"{_JOB}/{{output}}"), GET="read"),
    **_all(_LIBRARIES, GET="read", POST="library"),
    **_all((f"{library}/{{asset_id}}" for library in _LIBRARIES), DELETE="library"),
    **_all(("/api/v1/uploads",), POST="library"),
    **_all(("/api/v1/uploads/{uuid}",), GET="library", PATCH="library", DELETE="library"),
    **_all(("/api/v1/keys",), GET="admin"),
}
"""By the path of a route, as the framework writes it, and by verb; HEAD is as GET. The first that fits wins."""

_OPENED_BY_PEOPLE = frozenset({*_PAGES, "/docs"})


@dataclass(frozen=True)
class Rule:
    """What a route asks for."""

    path: str
    need: Need

    @property
    def is_page(self) -> bool:
        """Whether people open it in a browser: without a key they are led to where they can give one."""
        return self.path in _OPENED_BY_PEOPLE


def rule_of(path: str, method: str) -> Rule | None:
    """The rule for a request; None where there is no route."""
    verb = "GET" if method == "HEAD" else method
    fitting = (Rule(rule, RULES[rule][verb]) for rule, regex in _regexes() if verb in RULES[rule] and regex.match(path))
    return next(fitting, None)


@lru_cache(1)
def _regexes() -> list[tuple[str, re.Pattern[str]]]:
    return list(_compiled())


def _compiled() -> Iterator[tuple[str, re.Pattern[str]]]:
    for path in RULES:
        regex, _, _ = compile_path(path)
        yield path, regex

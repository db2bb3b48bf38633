"""Asks each request who it comes from and whether that may do it, before any of its body is read."""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access.callers import COOKIE, Caller, Doorkeeper
from gateway.access.limits import Limits
from gateway.access.rules import Rule, rule_of
from gateway.http.problems import http_problem, problem_response
from services.base.errors import PermissionDeniedError, UnauthenticatedError, VigentError

SIGN_IN = "/sign-in"
_CHANGES_NOTHING = {"GET", "HEAD"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="vigent"'}


class Access:
    """ASGI middleware: 401 to nobody known, 403 to who may not, 429 to who asks too often. Notes the caller."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, limits: Limits) -> None:
        self._app, self._doorkeeper, self._limits = app, doorkeeper, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is allowed; pages lead a browser that is not signed in to where it can."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule, request = rule_of(scope["path"], scope["method"]), Request(scope)
        caller = scope.setdefault("state", {})["caller"] = self._caller(scope)
        try:
            self._check(caller, rule, request)
        except VigentError as error:
            await _refusal(request, rule, error)(scope, receive, send)
        except HTTPException as error:
            await http_problem(request, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller | None:
        headers = Headers(scope=scope)
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        peer, here = (tuple(scope[end] or ("", 0)) for end in ("client", "server"))
        return self._doorkeeper.caller(headers, cookie, peer, here)

    def _check(self, caller: Caller | None, rule: Rule | None, request: Request) -> None:
        """Raises UnauthenticatedError, PermissionDeniedError, and what `Limits.take` raises.

        HTTPException for what has no rule, which is what has no route.
        """
        if rule is not None and rule.need == "nothing":
            return
        if caller is None:
            remedy = "Send `Authorization: Bearer KEY`; whoever runs the mesh makes one with `vigent keys add`."
            raise UnauthenticatedError("No valid key came with the request.", remedy, "Authorization")
        if caller.key is not None:
            self._limits.take(caller.key)
        if rule is None:
            if not caller.may("admin"):
                raise HTTPException(405 if rule_of(request.url.path, "GET") else 404)
        elif not caller.may(rule.need):
            problem = f"The key {caller.name!r} lacks the scope {rule.need!r}."
            raise PermissionDeniedError(problem, "Use a key that has it.", "Authorization")
        if caller.by_cookie and not _is_from_own_page(request):
            problem = "With a browser's session, only this gateway's own pages change something."
            raise PermissionDeniedError(problem, "Open the page from here.", "Origin", "FOREIGN_ORIGIN")


def caller_of(request: Request) -> Caller | None:
    """Who sent the request; None where a route takes requests from anybody."""
    caller: Caller | None = request.state.caller
    return caller


def _is_from_own_page(request: Request) -> bool:
    """An Origin that came this far is our own."""
    own = "origin" in request.headers or request.headers.get("sec-fetch-site") == "same-origin"
    return own or request.method in _CHANGES_NOTHING


def _refusal(request: Request, rule: Rule | None, error: VigentError) -> Response:
    if not isinstance(error, UnauthenticatedError):
        return problem_response(request, error)
    if rule is not None and rule.is_page and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"{SIGN_IN}?next={quote(request.url.path)}", 303)
    response = problem_response(request, error)
    response.headers.update(_CHALLENGE)
    return response

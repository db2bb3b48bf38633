"""Where a browser gives a key, or the token of `vigent up`, and gets a session for it."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from gateway.access.callers import COOKIE, SESSION_S, Caller, Doorkeeper
from gateway.http.access import SIGN_IN, caller_of
from gateway.http.context import GatewayDep
from gateway.http.files import REVALIDATE
from gateway.http.sign_in_page import FONT, HEADERS, Language, page

router = APIRouter(include_in_schema=False)

_LOCAL = re.compile(r"/(?![/\\])[^\s\\]*")
_LONGEST_KEY = 200
Next = Annotated[str, Query(alias="next", max_length=2000)]


@router.get(SIGN_IN)
async def sign_in_page(request: Request, next_: Next = "/", token: str = "", lang: str = "") -> Response:
    """The page. With the token in the address, as `vigent up` prints it, the session begins at once."""
    keeper = _keeper(request)
    if token and keeper.has_token(token) and (caller := keeper.known_by(token)):
        return _signed_in(request, caller, next_)
    return _page(request, next_, lang, wrong=bool(token))


@router.post(SIGN_IN)
async def sign_in(request: Request, next_: Next = "/", lang: str = "") -> Response:
    """Begins a session for the key in the form, and goes where the browser wanted to."""
    form = await request.form()
    caller = _keeper(request).known_by(str(form.get("key", "")).strip()[:_LONGEST_KEY])
    if caller is None:
        return _page(request, next_, lang, wrong=True)
    return _signed_in(request, caller, next_)


@router.get(FONT)
async def font(gateway: GatewayDep) -> Response:
    """The bundled font, for machines without Chinese ones: browsers fetch it only where all others lack a letter."""
    path = gateway.settings.assets_root / "fonts" / "NotoSansSC-Medium.otf"
    return FileResponse(path, media_type="font/otf", headers={"Cache-Control": REVALIDATE})


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends the session."""
    _keeper(request).sessions.end(request.cookies.get(COOKIE, ""))
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_is_secure(request))
    return response


def _signed_in(request: Request, caller: Caller, next_: str) -> Response:
    keeper = _keeper(request)
    keeper.sessions.end(request.cookies.get(COOKIE, ""))
    response = RedirectResponse(_local(next_), 303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE,
        keeper.sessions.begin(caller),
        max_age=round(SESSION_S),
        httponly=True,
        samesite="lax",  # with Strict, a link from elsewhere would lead to this page although one is signed in
        secure=_is_secure(request),
    )
    return response


def _page(request: Request, next_: str, lang: str, *, wrong: bool) -> Response:
    caller = caller_of(request)
    name = caller.name if caller is not None and caller.by_cookie else ""
    text = page(_language(request, lang), _local(next_), name, wrong=wrong)
    return HTMLResponse(text, 401 if wrong else 200, headers=HEADERS)


def _language(request: Request, lang: str) -> Language:
    wanted = lang or request.headers.get("accept-language", "")
    return "zh" if wanted.lower().startswith("zh") else "en"


def _local(next_: str) -> str:
    """Never another site's address."""
    return next_ if _LOCAL.fullmatch(next_) else "/"


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, with this gateway or with a proxy before it."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "")}


def _keeper(request: Request) -> Doorkeeper:
    keeper: Doorkeeper = request.app.state.doorkeeper
    return keeper

"""Dead proxies in every variable that anybody reads, and none that is excepted."""

from __future__ import annotations

_SCHEMES = ("http", "https", "all", "grpc")
_DEAD = {name: "http://127.0.0.1:1" for scheme in _SCHEMES for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())}
_NO_EXCEPTION = dict.fromkeys(("no_proxy", "NO_PROXY", "no_grpc_proxy", "NO_GRPC_PROXY"), "")
PROXIES = _DEAD | _NO_EXCEPTION

"""The page that asks for a key: one file without scripts, in Chinese and English."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Literal
from urllib.parse import quote

Language = Literal["en", "zh"]

FONT = "/sign-in/font"
"""Whoever signs in has no key yet for the studio's font."""
_STYLE = """
@font-face { font-family: "Vigent Han"; font-weight: 100 900; font-display: block;
             unicode-range: U+2E80-9FFF, U+FF00-FFEF;
             src: local("PingFang SC"), local("Microsoft YaHei"), local("Noto Sans CJK SC"), local("Noto Sans SC"),
                  url("FONT") format("opentype") }
:root { color-scheme: light dark; font: 16px/1.6 "Vigent Han", system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f6f5f1; color: #1d1a29 }
main { box-sizing: border-box; width: min(26rem, 100vw); padding: 2rem; background: #fff; border-radius: 16px }
h1 { margin: 0 0 .5rem; font-size: 1.4rem }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
input { margin: .25rem 0 1rem; padding: .6rem .8rem; border: 1px solid #8b869c; border-radius: 10px; background: #fff;
        color: #1d1a29 }
button { padding: .7rem; border: 0; border-radius: 10px; background: #4b3fd6; color: #fff; cursor: pointer }
:focus-visible { outline: 3px solid #4b3fd6; outline-offset: 2px }
code { overflow-wrap: anywhere }
.wrong { color: #b3202c }
.foot { margin: 1.5rem 0 0; font-size: .85rem }
a { color: #3a2fb8 }
@media (prefers-color-scheme: dark) {
  body { background: #121118; color: #edebf5 }
  main { background: #1b1a23 }
  input { background: #25232f; color: #edebf5 }
  a, .wrong { color: #b9b2ff }
}
""".replace("FONT", FONT)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would send the form with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "tag": "en",
        "title": "Sign in to Vigent",
        "label": "Key",
        "button": "Sign in",
        "wrong": "This key is not known here, or it has ended.",
        "how": "Whoever runs this mesh makes a key with",
        "in": "Signed in: {name}.",
        "out": "Sign out",
        "other": '<a href="{address}" hreflang="zh" lang="zh">中文</a>',
    },
    "zh": {
        "tag": "zh-CN",
        "title": "登录 Vigent",
        "label": "密钥",
        "button": "登录",
        "wrong": "这里没有这个密钥，或者它已失效。",
        "how": "密钥由运行服务的人生成：",
        "in": "已登录：{name}。",
        "out": "退出登录",
        "other": '<a href="{address}" hreflang="en" lang="en">English</a>',
    },
}
_OTHER: dict[Language, Language] = {"en": "zh", "zh": "en"}


def page(language: Language, next_: str, name: str, *, wrong: bool) -> str:
    """The page. `next_`: where to go afterwards; `name`: who is signed in already, "" for nobody."""
    words = _WORDS[language]
    here = f"/sign-in?next={quote(next_, safe='/')}&amp;lang="
    wrong_line = f'<p class="wrong" role="alert">{words["wrong"]}</p>' if wrong else ""
    signed_in = f"<p>{words['in'].format(name=escape(name))}</p>{_sign_out(words)}" if name else ""
    other = words["other"].format(address=f"{here}{_OTHER[language]}")
    return f"""<!doctype html>
<html lang="{words["tag"]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{words["title"]}</title>
<link rel="icon" href="/favicon.svg">
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{words["title"]}</h1>
{signed_in}{wrong_line}
<form method="post" action="{here}{language}">
<label for="key">{words["label"]}</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button>{words["button"]}</button>
</form>
<p class="foot">{words["how"]} <code>vigent keys add</code> · {other}</p>
</main>
</body>
</html>
"""


def _sign_out(words: dict[str, str]) -> str:
    return f'<form method="post" action="/sign-out"><p><button>{words["out"]}</button></p></form>'

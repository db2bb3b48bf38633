"""The table of everything that is written in digits or signs and said in words.

A text is read once from left to right; at each place the first rule that fits wins, so the table goes from the
special to the general. Patterns see full-width digits and signs as plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from services.text.numbers.chinese import Chinese
from services.text.numbers.english import English
from services.text.numbers.speech import Speech, scaled
from services.text.numbers.tables import COUNTED, CURRENCIES, HAN_UNITS, HOTLINES, MONTHS, UNITS, VERSIONED

CHINESE, ENGLISH = Chinese(), English()

Match = re.Match[str]


@dataclass(frozen=True)
class Rule:
    """How a match is said, in numbers read in `language` ("" = any); `before` has to match what stands before it.

    `say` may return None: the rule does not fit after all. Patterns are compiled when there is a number to read: that
    takes 0.05 s, and most processes that load this file are never given one.
    """

    source: str
    say: Callable[[Match, Speech], str | None]
    source_before: str
    language: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What is read."""
        return re.compile(self.source)

    @cached_property
    def before(self) -> re.Pattern[str] | None:
        """What has to stand before it."""
        return re.compile(rf"(?:{self.source_before})$", re.IGNORECASE) if self.source_before else None


def _rule(pattern: str, say: Callable[[Match, Speech], str | None], before: str = "", language: str = "") -> Rule:
    return Rule(pattern, say, before, language)


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_N = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_END = r"(?![A-Za-z0-9]|\.\d|,\d{3}(?!\d))"
_DASH = "[-~–—−]"
_YEAR = r"(?:1\d|2[01])\d\d"
_MODERN_YEAR = r"(?:19|20)\d\d"
_MONTH_DAY = r"(0?[1-9]|1[0-2]){0}(0?[1-9]|[12]\d|3[01])"
_MONTH_NAME = f"({'|'.join(f'{month}|{month[:3]}' for month in MONTHS)}|Sept)"
_DAY = r"([12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_SPAN_OF_YEARS = r"\s?年(?:前(?!三季|半|几)|来|间|内|的?历史|以上|左右|之久|多)"
_AFTER_YEAR = (
    "以来|以后|以前|之后|之前|至今|前三季度|第?[一二三四1-4]季度|上半年|下半年|全年|"
    "春|夏|秋|冬|届|款|赛季|财年|版(?!本)|Q[1-4]"
)
_HALF_OF_DAY = r"(?:\s?([aApP])(?:[mM]|\.[mM]\.?)(?![A-Za-z]))"
_CURRENCY = rf"({_any_of(CURRENCIES)})"
_SCALE = r"(?:\s?(万亿|万|亿|thousand|million|billion|trillion|(?:bn|[kKmMbBT])(?![A-Za-z])))?"
_UNIT = f"({_any_of(UNITS)})"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_GLYPH_FRACTIONS = {
    glyph: (above, below)
    for below, glyphs in {"2": {"1": "½"}, "3": {"1": "⅓", "2": "⅔"}, "4": {"1": "¼", "3": "¾"}}.items()
    for above, glyph in glyphs.items()
} | {glyph: (above, "8") for above, glyph in zip("1357", "⅛⅜⅝⅞", strict=True)}

_NO_UNIT = r"(?!(?:to|or|and|at|is|was|by|in|of|than|from)\b)"
_AFTER_NUMBER = rf"\d\s?(?:{_NO_UNIT}[A-Za-z%‰℃℉°²³]{{0,5}}|[{HAN_UNITS}]{{1,4}}|[ap]\.m\.)\s?"
_SCORED = (
    r"(?:比分|大比分|战胜|击败|战平|打成|大胜|惜败|力克|以|"
    r"scored?|score|won|win|wins|lost|beat|beats|tied|lead|led)[^\d，。,.]{0,8}"
)
_RATIO = r"(?:比例|画幅|ratio|aspect)[^\d，。,.]{0,8}"
_BLOOD_PRESSURE = r"(?:血压|blood pressure|BP)[^\d，。,.]{0,8}"
_DIALLED = (
    r"(?:拨打?|打|电话|热线|呼叫|致电|短信|报警|急救|火警|call|dial|phone|text|hotline|ring|tel)[^\d，。,.]{0,6}"
    r"(?:\d{3,5}\s?(?:[、和或及与/]|or|and)\s?)*"
)
_CODE = (
    r"(?:尾号|卡号|单号|编号|账号|学号|工号|房号|密码|验证码|邀请码|取件码|微信号?|会员号|订单号|身份证号|QQ|群号|邮编|区号|航班|code|PIN|zip|extension|ext\.)"
    r"(?:是|为|[:：]|号|is)?\s?"
)
_PLACE = r"\b(?:room|suite|apartment|apt\.|flight|route)\s"
_NICKNAME = "(?:315|618|818|911|996|520)(?=晚会|大促|购物|活动|促销|工作制|事件|表白)"


def _year(match: Match, speech: Speech) -> str:
    return speech.year(match[1])


def _chinese_date(match: Match, _: Speech) -> str:
    year = f"{CHINESE.year(match[1])}年"
    if not match[2]:
        return year
    day = f"{CHINESE.cardinal(str(int(match[3])))}{match[4]}" if match[3] else ""
    return f"{year}{CHINESE.cardinal(str(int(match[2])))}月{day}"


def _english_date(day: str, month: str, year: str) -> str:
    number = next(index for index, name in enumerate(MONTHS, start=1) if name.startswith(month[:3]))
    return ENGLISH.date(year or "", number, int(day))


def _day_of_month(match: Match, _: Speech) -> str:
    month, _space, day = _english_date(match[1], match[2], "").partition(" ")
    article = "" if match.string[: match.start()].endswith("the ") else "the "
    year = f", {ENGLISH.year(match[3])}" if match[3] else ""
    return f"{article}{day} of {month}{year}"


def _season(match: Match, speech: Speech) -> str | None:
    first, second = match.groups()
    if int(second) % 100 != (int(first) + 1) % 100:
        return None
    joint = [] if len(second) == len("25") else [speech.signs["to"]]
    return speech.between.join([speech.year(first), *joint, speech.year(second)])


def _clock(match: Match, speech: Speech) -> str:
    half = f"{match[4].lower()}m" if match[4] else ""
    return speech.clock(int(match[1]), int(match[2]), int(match[3]) if match[3] else None, half)


def _address(match: Match, speech: Speech) -> str | None:
    """An IP address, perhaps with a port."""
    parts = match[1].split(".")
    port = [speech.signs["colon"], speech.digits(match[2])] if match[2] else []
    return speech.between.join([speech.address(parts), *port]) if all(int(part) < 256 for part in parts) else None


def _version(match: Match, speech: Speech) -> str:
    return f"{match[1]}{speech.point(match[2].split('.'))}"


def _numbered_version(match: Match, speech: Speech) -> str:
    word = "version " if speech is ENGLISH else match[1]
    return word + speech.point(match[2].split("."))


def _phone(match: Match, speech: Speech) -> str:
    abroad = speech.signs["plus"] + speech.between if match[0].startswith("+") else ""
    return abroad + speech.phone(re.findall(r"\d+", match[0]))


def _circled(match: Match, speech: Speech) -> str:
    following = match.string[match.end() :][:1]
    return speech.cardinal(str(ord(match[0]) - ord("①") + 1)) + speech.between * following.isalnum()


def _memorial(match: Match, speech: Speech) -> str:
    return speech.digits(match[1]) + speech.digits(match[2] or match[3])


def _share(of: int) -> Callable[[Match, Speech], str]:
    return lambda m, speech: speech.share(m[1], m[2] or "", of)


def _power(match: Match, speech: Speech) -> str:
    base = speech.cardinal(match[1]) if match[1].isdigit() else match[1]
    return speech.power(base, match[2].lstrip("^").translate(_SUPERSCRIPTS))


def _sign(name: str) -> Callable[[Match, Speech], str]:
    """The word of a sign, with the spaces that the language wants and the writer left out."""

    def say(match: Match, speech: Speech) -> str:
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
        left = speech.between if before.isalnum() or before in tuple("%‰℃℉°²³") else ""
        right = speech.between if after and not after.isspace() else ""
        return f"{left}{speech.signs[name]}{right}"

    return say


def _between(name: str) -> Callable[[Match, Speech], str]:
    """Two numbers and the word of the sign between them."""

    def say(match: Match, speech: Speech) -> str:
        return speech.between.join((speech.cardinal(match[1]), speech.signs[name], speech.cardinal(match[2])))

    return say


def _same(match: Match, _: Speech) -> str:
    return match[0]


def _number(match: Match, speech: Speech) -> str:
    number = match[0].replace(",", "")
    if len(number) > 1 and number.isdigit() and number.startswith("0"):
        return speech.digits(number)
    dialled = speech is ENGLISH and match[0].isdigit() and len(number) >= len("5551234") and not number.endswith("000")
    return speech.digits(number) if dialled else speech.cardinal(number)


RULES = (
    # What stays: addresses, and names with digits after letters.
    _rule(r"(?:https?://|www\.)[^\s<>，。！？；、）】》」』”’]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _same),
    # Versions, dates and numbers that begin with a word.
    _rule(rf"((?:{VERSIONED})\s?[vV]?)(\d+(?:\.\d+)+){_END}", _version),
    _rule(rf"([vV](?:er(?:sion)?\.?)? ?)(\d+(?:\.\d+)+){_END}", _numbered_version),
    _rule(
        rf"{_MONTH_NAME}\.?\s{_DAY}\s?{_DASH}\s?{_DAY}(?:,?\s({_YEAR}))?(?![\dA-Za-z%:]|[.,]\d)",
        lambda m, _: ENGLISH.days(_english_date(m[2], m[1], ""), m[3], m[4] or ""),
    ),
    _rule(
        rf"{_MONTH_NAME}\.?\s{_DAY}(?:,?\s({_YEAR}))?(?![\dA-Za-z%:]|[.,]\d)",
        lambda m, _: _english_date(m[2], m[1], m[3]),
    ),
    _rule(r"(?:No\.\s?|№\s?|#)(\d{1,6})(?![\w#])", lambda m, speech: speech.numbered(m[1])),
    _rule(r"(QQ\s?)(\d{5,})(?![A-Za-z])", lambda m, speech: m[1] + speech.phone([m[2]])),
    _rule(r"([A-Za-z])(\^-?\d+|[²³⁴-⁹])(?![A-Za-z0-9])", _power),
    _rule(rf"({'|'.join(unit for unit in UNITS if unit[-1] in '²³')})", lambda m, speech: speech.measure("", m[1])),
    # Days and years.
    _rule(rf"{_DAY}\s{_MONTH_NAME}(?:,?\s({_YEAR}))?(?![A-Za-z])", _day_of_month),
    *(
        _rule(rf"({_YEAR}){sign}{_MONTH_DAY.format(sign)}{_END}", lambda m, s: s.date(m[1], int(m[2]), int(m[3])))
        for sign in (r"\s?-\s?", "/", r"\.")
    ),
    _rule(
        rf"(\d\d?)/(\d\d?)/({_YEAR}){_END}",
        lambda m, s: s.date(m[3], int(m[1]), int(m[2])) if 0 < int(m[1]) < 13 else None,
    ),
    _rule(
        r"(\d\d?)/(\d\d?)/(\d\d)(?![\d/])",
        lambda m, s: s.date(f"20{m[3]}", int(m[1]), int(m[2])) if 0 < int(m[1]) < 13 and 0 < int(m[2]) < 32 else None,
        language="en",
    ),
    _rule(rf"({_YEAR})-(0[1-9]|1[0-2])(?![\d-]){_END}", lambda m, s: s.date(m[1], int(m[2]), 0)),
    _rule(
        rf"(?!\d\d00{_SPAN_OF_YEARS})({_YEAR})\s?年(?:\s?(\d\d?)\s?月(?:\s?(\d\d?)\s?([日号]))?)?(?!代|级)",
        _chinese_date,
    ),
    _rule(r"(\d\d)\s?年\s?(\d\d?)\s?月(?:\s?(\d\d?)\s?([日号]))?", _chinese_date),
    _rule(r"(\d{3,4})(?=年)", lambda m, _: CHINESE.year(m[1]), before="公元前?"),
    _rule(rf"({_YEAR})(?=\s?(?:{_DASH}|[至到])\s?{_YEAR}\s?年)", lambda m, _: CHINESE.year(m[1])),
    _rule(r"((?:1\d|20)\d0|\d0)年代", lambda m, _: CHINESE.decade(m[1])),
    _rule(r"([05-9]0|[6-9]5|10)(?=后(?![退]))", lambda m, _: CHINESE.digits(m[1])),
    _rule(rf"({_MODERN_YEAR})/(\d\d|20\d\d)(?![\d/])", _season),
    _rule(rf"({_MODERN_YEAR}){_DASH}(\d\d)(?=\s?(?:赛季|财年|学年|season|school year))", _season),
    _rule(
        rf"({_MODERN_YEAR})\s?(?:{_DASH})\s?({_MODERN_YEAR})(?![0-9A-Za-z%元个人米块万亿次名]|\.\d)",
        lambda m, s: s.between.join((s.year(m[1]), s.signs["to"], s.year(m[2]))),
    ),
    _rule(
        rf"({_MODERN_YEAR}){_DASH}(\d\d)(?=年)",
        lambda m, s: s.between.join((s.year(m[1]), s.signs["to"], s.digits(m[2]))),
    ),
    _rule(rf"({_MODERN_YEAR})(?=\s?(?:{_AFTER_YEAR}))", lambda m, _: CHINESE.year(m[1])),
    _rule(rf"({_MODERN_YEAR})(?=$|[，。！？、,!?\s])", _year, before="你好|再见|告别|展望|迎接|跨|致", language="zh"),
    _rule(r"((?:1\d|20)\d0)s(?![A-Za-z])", lambda m, _: ENGLISH.decade(m[1])),
    _rule(
        r"(\d0)s(?![A-Za-z])",
        lambda m, _: ENGLISH.decade(m[1]),
        before=r"['’]|\b(?:the|early|late|mid|my|his|her)[\s-]|\ds(?: and| or|,) ",
    ),
    # Scores, times of day, ratios.
    _rule(r"(\d{1,3})\s?[-–—:比]\s?(\d{1,3})(?![\d:%]|\.\d)", _between("ratio"), before=f"{_SCORED}|{_RATIO}"),
    _rule(r"(\d{1,3})\s?[-–—]\s?(\d{1,3})(?=\s?(?:完胜|大胜|险胜|获胜|取胜|横扫|战胜|击败|落败))", _between("ratio")),
    _rule(r"(\d\d?):(\d\d?)(?=\s?(?:画面|画幅|屏幕|比例|screen|display|monitor|aspect|ratio))", _between("ratio")),
    _rule(rf"([01]?\d|2[0-4])[:：]([0-5]\d)(?:[:：]([0-5]\d))?{_HALF_OF_DAY}?(?![A-Za-z0-9])", _clock),
    _rule(
        rf"(1[0-2]|0?[1-9])(){{0}}(){{0}}{_HALF_OF_DAY}(?![A-Za-z0-9])",
        lambda m, s: s.clock(int(m[1]), 0, None, f"{m[4].lower()}m"),
    ),
    _rule(
        rf"({_N})\s?[:：]\s?({_N})(?:[:：](\d+))?{_END}",
        lambda m, s: s.between.join(
            [s.cardinal(m[1])]
            + [part for other in m.groups()[1:] if other for part in (s.signs["ratio"], s.cardinal(other))]
        ),
    ),
    # Numbers to dial or type, addresses, versions.
    _rule(r"24/7", lambda _, speech: speech.round_the_clock()),
    _rule(r"\+\d{1,3}[ -]?\(?\d{2,4}\)?(?:[ -]?\d{3,4}){2}(?!\d)", _phone),
    _rule(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\dA-Za-z])", _phone),
    _rule(r"\(?0\d{2,3}\)?[ -]?\d{3,4}[ -]?\d{4}(?:-\d{1,5})?(?![\dA-Za-z])", _phone),
    _rule(r"(?:1-)?\(?\d{3}\)?[ -]\d{3}[ -]\d{4}(?![\dA-Za-z])|[48]00\d{7}(?!\d)|\d{3}-\d{4}(?![\d-])", _phone),
    _rule(r"[48]00[ -]\d{3,4}[ -]\d{3,4}(?![\dA-Za-z-])", _phone),
    _rule(rf"\d{{3,6}}(?![\dA-Za-z%]|[.,]\d|\s?(?:{COUNTED}|元))", _phone, before=_DIALLED),
    _rule(rf"(?:{HOTLINES})(?![\dA-Za-z%]|[.,]\d|\s?(?:{COUNTED}|元))", _phone, language="zh"),
    _rule(r"\d{3,}(?![A-Za-z]|\.\d)", _phone, before=f"{_CODE}|{_PLACE}"),
    _rule(r"\d{3,4}(?=室|号房|房间)", _phone),
    _rule(r"(\d\d?)(?:[·•](\d\d?)(?!\d)|\.(\d\d?)(?=妇女节|儿童节|劳动节|晚会|事变|事件))", _memorial, language="zh"),
    _rule(_NICKNAME, lambda m, speech: speech.digits(m[0])),
    _rule(r"(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{2,5}))?(?![\d.]*\d)", _address),
    _rule(rf"()(\d+(?:\.\d+){{2,}}){_END}", _version),
    _rule(rf"()(\d+\.\d+){_END}", _version, before="版本(?:号)?(?:是|为|[:：])?\\s?"),
    # Parts of a whole, money, quantities of units.
    _rule(rf"({_N})\s?%?\s?{_DASH}\s?({_N})\s?%", _share(100)),
    _rule(rf"({_N})\s?[至到]\s?({_N})\s?%", _share(100)),
    _rule(rf"({_N})()\s?%", _share(100)),
    _rule(rf"({_N})\s?‰?\s?{_DASH}\s?({_N})\s?‰", _share(1000)),
    _rule(rf"({_N})()\s?‰", _share(1000)),
    _rule(
        rf"{_CURRENCY}\s?({_N})(?:[万亿kKM]?\s?{_DASH}\s?(?:{_any_of(CURRENCIES)})?({_N}))?{_SCALE}(?!\d|[.,]\d)元?",
        lambda m, s: s.money(m[2], m[3] or "", m[4] or "", m[1]),
    ),
    _rule(
        r"(\d\d?)/(\d\d?)(?![\d/])",
        lambda m, s: s.date("", int(m[1]), int(m[2])) if 0 < int(m[1]) <= len(MONTHS) else None,
        before=r"\b(?:on|by|until|since)\s",
        language="en",
    ),
    _rule(
        r"(\d+)\s(\d{1,2})/(\d{1,2})(?![\d/])",
        lambda m, s: s.mixed(m[1], m[2], m[3]) if int(m[2]) < int(m[3]) else None,
    ),
    _rule(
        r"(\d{2,3})/(\d{2,3})(?!\d)",
        lambda m, s: f"{s.cardinal(m[1])} over {s.cardinal(m[2])}",
        before=_BLOOD_PRESSURE,
        language="en",
    ),
    _rule(
        r"(\d+)/(\d+)(?![\d/]|\.\d)",
        lambda m, s: f"{s.cardinal(m[1])} {s.cardinal(m[2])}" if int(m[1]) >= int(m[2]) else None,
        language="en",
    ),
    _rule(r"(\d{2,3})/(\d{2,3})(?!\d)", _between("ratio"), before=_BLOOD_PRESSURE, language="zh"),
    _rule(r"(\d+)/(\d+)(?![\d/]|\.\d)", lambda m, s: s.fraction(m[1], m[2])),
    _rule("[½⅓⅔¼¾⅛⅜⅝⅞]", lambda m, speech: speech.fraction(*_GLYPH_FRACTIONS[m[0]])),
    _rule("[①-⑳]", _circled),
    _rule(r"(\d+)(\^(?:-?\d+|[A-Za-z])|⁻?[⁰¹²³⁴-⁹]+)(?![A-Za-z0-9])", _power),
    _rule(
        r"(\d+)\s?h\s?(\d\d?)\s?m(?:in)?(?![A-Za-z0-9])",
        lambda m, s: s.between.join((s.measure(m[1], "h"), s.measure(m[2], "min"))),
    ),
    _rule(rf"({_N})\s?{_UNIT}(?![A-Za-z0-9²³])", lambda m, speech: speech.measure(m[1], m[2])),
    _rule(rf"({_N})[kK](?=\s?元)", lambda m, s: s.counted(scaled(m[1], "k")), language="zh"),
    _rule(
        rf"({_N})[kK]?{_DASH}({_N})[kK](?=\s?元)",
        lambda m, s: f"{s.counted(scaled(m[1], 'k'))}到{s.counted(scaled(m[2], 'k'))}",
        language="zh",
    ),
    _rule(rf"({_N})[wW](?=\+|[\u4e00-\u9fff])", lambda m, s: f"{s.counted(m[1])}万", language="zh"),
    _rule(r"(\d+)(?:st|nd|rd|th)(?![A-Za-z])", lambda m, speech: speech.ordinal(m[1])),
    _rule(rf"({_N})\s?[x×X✕]\s?({_N}){_END}(?!\s?=|\^|[⁰¹²³⁴-⁹⁻])", _between("by")),
    # Signs between and before numbers.
    _rule(rf"[-−–](?=\s?{_N}\s?=)", _sign("less"), before=r"\d\s?"),
    _rule(r"[-−–](?=\d)", _sign("less"), before=r"[满每]\d+"),
    _rule(rf"(?:~|[-–−—](?![-—]))(?=\s?{_CURRENCY}?[-−+]?\d)", _sign("to"), before=_AFTER_NUMBER),
    _rule(r"[-−–](?=\d)", lambda _m, _s: "", before=r"零下\s?"),
    _rule(r"[-−–](?=[$€£¥]?\d)", _sign("-"), before=r"^|[^A-Za-z0-9.%)\-–—]"),
    _rule(r"±(?=\s?\d)", _sign("±")),
    _rule(r"\+(?=\s?\d)", _sign("plus"), before=_AFTER_NUMBER),
    _rule(r"\+(?=[$€£¥]?\d)", _sign("+"), before="^|[^A-Za-z0-9+]"),
    _rule(r"\+(?![\w+])", lambda _, s: f"{s.between}{s.signs['plus']}", before=r"\d[万亿]?"),
    _rule(r"[×*✕](?=\s?\d)", _sign("times"), before=r"\d\s?"),
    _rule(r"[×✕](?=\s?\w)", _sign("by"), before=_AFTER_NUMBER),
    _rule(r"÷(?=\s?\d)", _sign("divided"), before=r"\d\s?"),
    _rule(r"=(?=\s?-?\d)", _sign("equals"), before=_AFTER_NUMBER),
    *(_rule(rf"{sign}(?=\s?[$€£¥]?\d)", _sign(sign)) for sign in "≥≤><≈~"),
    _rule(
        rf"/{_UNIT}(?![A-Za-z0-9])",
        lambda m, s: s.between.join(("", s.signs["per"], s.unit(m[1]))),
        before=r"\d[^\d\s/，。,.]{0,4}",
    ),
    _rule(r"/(?=[A-Za-z\u4e00-\u9fff])", _sign("per"), before=r"\d[^\d\s/，。,.]{0,4}"),
    # Bare numbers.
    _rule(
        rf"(?<!第)(?<!第\d[-~–—至到])(?<!第\d\d[-~–—至到])2(?=\s?(?:(?:{_DASH}|[至到])\s?\d+\s?)?(?:{COUNTED}))",
        lambda _, s: s.counted("2"),
        language="zh",
    ),
    _rule(
        rf"({_MODERN_YEAR})(?![\dA-Za-z%]|[.,]\d)",
        _year,
        before=r"\b(?:in|since|by|from|until|till|before|after|during|of|year|and|to|[A-Z][a-z]{2,8})[ ,]{1,2}",
        language="en",
    ),
    _rule(rf"({_MODERN_YEAR})(?![\dA-Za-z%]|[.,]\d|\s[a-z]+s\b)", _year, language="en"),
    _rule(r"\.(\d+)(?![.\dA-Za-z])", lambda m, speech: speech.cardinal(f"0.{m[1]}"), before=r"^|[\s(（]"),
    _rule(
        r"(\d)['’′](\d\d?)[\"”″]?(?![\dA-Za-z])",
        lambda m, s: f"{s.cardinal(m[1])} foot {s.cardinal(m[2])}",
        language="en",
    ),
    _rule(
        r"(\d\d?)['’′](\d\d)[\"”″]",
        lambda m, s: f"{s.measure(m[1], 'min').removesuffix('钟')}{s.measure(m[2].lstrip('0') or '0', 's')}",
        language="zh",
    ),
    _rule(r"(\d+)#(?=[楼栋幢])", lambda m, s: s.numbered(m[1])),
    _rule(rf"{_N}{_END}", _number),
    _rule(
        r"(?!(?:mid|pre|post|early|late|circa)-\d)(?=[0-9]*[A-Za-z])[A-Za-z0-9]+(?:[-_·][A-Za-z0-9]+|\.(?=\d)[A-Za-z0-9]+)*",
        _same,
    ),
    _rule(r"\d[\d.]*[A-Za-z][A-Za-z0-9]*", _same),
    _rule(r"\d+", _number),
)
"""In order of precedence."""

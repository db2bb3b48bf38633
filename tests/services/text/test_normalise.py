import re

import pytest

from services.text.normalise import normalise

CHINESE = {
    "价格是 128 元": "价格是 一百二十八 元",
    "2026年11月22日": "二零二六年十一月二十二日",
    "2026-11-22发布": "二零二六年十一月二十二日发布",
    "涨了12.5%": "涨了百分之十二点五",
    "占5~10%": "占百分之五到十",
    "从20%到30%": "从百分之二十到百分之三十",
    "卖¥1,234.50": "卖一千二百三十四点五零元",
    "要$3万": "要三万美元",
    "有2个人，2种办法": "有两个人，两种办法",
    "12:30开会，9:05结束": "十二点三十分开会，九点零五分结束",
    "14:00见": "十四点见",
    "比分10:1": "比分十比一",
    "跑了5km，用时30min": "跑了五公里，用时三十分钟",
    "零下 -5℃": "零下 负五摄氏度",
    "气温-3.5度": "气温负三点五度",
    "3-5天": "三到五天",
    "1/2的人": "二分之一的人",
    "电话13812345678": "电话一三八一二三四五六七八",
    "电话010-12345678": "电话零一零一二三四五六七八",
    "第2名，第10章": "第二名，第十章",
    "2年前，1998年，2000年前": "两年前，一九九八年，二千年前",
    "快3.5倍": "快三点五倍",
    "Qwen3 和 GPT-4 的 v1.5.2 版": "Qwen3 和 GPT-4 的 v一点五点二 版",
    "共20000字": "共二万字",
    "1.7B的模型": "1.7B的模型",
    "没有数字。": "没有数字。",
}
ENGLISH = {
    "In 2026 it cost $3.50.": "In twenty twenty-six it cost three dollars and fifty cents.",
    "$1.5 million": "one point five million dollars",
    "$0.01 or £1": "one cent or one pound",
    "It rose 12.5%": "It rose twelve point five percent",
    "20-30%": "twenty to thirty percent",
    "on 2026-11-22": "on November twenty-second, twenty twenty-six",
    "v1.5.2 of GPT-4": "version one point five point two of GPT-4",
    "the 21st of May": "the twenty-first of May",
    "1,234 items": "one thousand two hundred and thirty-four items",
    "9:05 am, 9:00, 2:00 pm": "nine oh five am, nine o'clock, two pm",
    "3-5 days": "three to five days",
    "2019-2021": "twenty nineteen to twenty twenty-one",
    "1 kg, 5 km, 10GB": "one kilogram, five kilometers, ten gigabytes",
    "10,000 km/h": "ten thousand kilometers per hour",
    "1/2, 3/4": "one half, three fourths",
    "in the 1990s": "in the nineteen nineties",
    "call 5551234": "call five five five one two three four",
    "-5 to 3.14": "minus five to three point one four",
    "36.6°C": "thirty-six point six degrees Celsius",
    "H200 and Qwen3, a 1.7B model": "H200 and Qwen3, a 1.7B model",
    "ten to one is 10:1": "ten to one is ten to one",
    "Nothing here.": "Nothing here.",
}


@pytest.mark.parametrize("language", ["", "zh", "zh-CN", "cmn", "cmn-Hans"])
@pytest.mark.parametrize(("written", "spoken"), CHINESE.items())
def test_chinese(written, spoken, language):
    assert normalise(written, language) == spoken


@pytest.mark.parametrize("language", ["", "en", "en-GB"])
@pytest.mark.parametrize(("written", "spoken"), ENGLISH.items())
def test_english(written, spoken, language):
    assert normalise(written, language) == spoken


def test_the_language_asked_for_goes_before_the_script():
    assert normalise("The word 你好 means 2 things", "en") == "The word 你好 means two things"
    assert normalise("128", "zh") == "一百二十八"
    assert normalise("Im Jahr 2026", "de") == "Im Jahr 2026"


@pytest.mark.parametrize("number", [0, 7, 10, 12, 100, 101, 1001, 9_999, 10_010, 123_456, 999_999])
def test_no_digit_is_left(number):
    for language in ("zh", "en"):
        assert not re.search(r"\d", normalise(f"{number}", language))

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.pasted import spoken_text


@pytest.mark.parametrize(
    ("script", "spoken"),
    [
        ("# 标题\n正文", "标题\n正文"),
        ("**重点**和*强调*与***两者***", "重点和强调与两者"),
        ("__bold__ _italic_ ~~gone~~", "bold italic gone"),
        ("- 一\n* 二\n+ 三\n  - 四\n- [x] 五", "一\n二\n三\n四\n五"),
        ("1. 打开\n2. 设置", "1. 打开\n2. 设置"),
        ("> 引用\n> - 列表", "引用\n列表"),
        ("用 `pip install x` 安装", "用 pip install x 安装"),
        ("```python\nprint(1)\n```", "\nprint(1)\n"),
        ("看[文档](https://a.b/c_d_e)吧 ![图](x.png)", "看文档吧 图"),
        ("<https://a.b/c> 和 <me@x.org>", "https://a.b/c 和 me@x.org"),
        ("a<br/>b <b>c</b>", "a\nb c"),
        ("---\n正文\n***", "\n正文\n"),
        (r"\*不是强调\*", "*不是强调*"),
        ("| 甲 | 乙 |\n|---|---|", "| 甲 | 乙 |\n"),
        ("\ufeff开头", "开头"),
    ],
)
def test_marks_go_and_text_stays(script, spoken):
    assert spoken_text(script).text == spoken


@pytest.mark.parametrize(
    "script",
    [
        "2*3*4=24",
        "snake_case_name",
        "https://a.b/x_y_z*w*",
        "5 < 6 > 4",
        "3 * 4 = 12 * 1",
        "#1446",
        "-5°C",
        "C# 和 F#",
    ],
)
def test_what_is_no_mark_stays(script):
    assert spoken_text(script).text == script


def test_code_keeps_what_looks_like_marks():
    assert spoken_text("`**a** _b_ <c>`").text == "**a** _b_ <c>"


@given(st.text(alphabet="ab*_`[]()#->~<\\ \n1.好，", max_size=60))
def test_characters_are_only_removed_and_their_places_known(script):
    spoken = spoken_text(script)
    assert "".join(script[offset] for offset in spoken.offsets) == spoken.text
    assert list(spoken.offsets) == sorted(set(spoken.offsets))

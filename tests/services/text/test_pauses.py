import pytest

from services.text.pauses import ELLIPSIS_S, Pause, pauses_of_ellipses


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("我觉得……可以。", [5]),
        ("我觉得…可以", [4]),
        ("I think... so.", [11]),
        ("等等。。。再说", [5]),
        ("他说“也许……”然后走了", [8]),
        ("好…… ……的", [6]),
        ("嗯……", [3]),
        ("……然后", [2]),
        ("一。二. 3.5 ..", []),
    ],
)
def test_an_ellipsis_is_a_pause(text, places):
    assert pauses_of_ellipses(text) == [Pause(place, ELLIPSIS_S) for place in places]

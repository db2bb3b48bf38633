import pytest

from gateway.films.findings import findings_of

WELL = {
    "frames": 500,
    "frames_without_face": 0,
    "footage_problems": [],
    "music_problems": [],
    "takes": [{"segment": 0, "takes": 1, "error_rate": 0.1}, {"segment": 1, "takes": 1, "error_rate": None}],
    "captions": {"findings": [{"check": "cps"}]},
}


def test_nothing_is_said_when_all_is_well():
    assert list(findings_of(WELL)) == []


def test_each_finding_is_one_sentence():
    found = {
        "frames_without_face": 12,
        "footage_problems": ["Broken packets of the picture that were skipped: 1 of 120."],
        "music_problems": ["Broken packets of the sound that were skipped: 2 of 117."],
        "pronunciations": [
            {"word": "重庆", "kind": "pinyin", "reading": "chong2 qing4", "times": 2, "applied": True},
            {"word": "SQL", "kind": "ipa", "reading": "ˈsiːkwəl", "times": 1, "applied": False},
            {"word": "Kubernets", "kind": "words", "reading": "x", "times": 0, "applied": True},
        ],
        "takes": [{"segment": 0, "takes": 2, "error_rate": 0.1}, *WELL["takes"]],
        "captions": {"findings": [{"check": "glyph_missing"}, {"check": "glyph_missing"}]},
    }
    assert list(findings_of(WELL | found)) == [
        "Film: 12 of 500 frames show no face from the front; the mouth stays as it is there.",
        "Footage: Broken packets of the picture that were skipped: 1 of 120.",
        "Music: Broken packets of the sound that were skipped: 2 of 117.",
        "Voice: 'SQL' was not said as 'ˈsiːkwəl': give this voice other words, not ipa.",
        "Voice: 'Kubernets' is nowhere in the script; its reading was not used.",
        "Voice: 1 of 3 sentences were spoken again, because something else was heard.",
        "Captions: characters that the font does not have (2x).",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"frames_without_face": 500}, "500 of 500 frames show no face"),
        (
            {"footage_problems": ["The presenter fell outside the crop from 0.0 to 1.6 s; set `focus`."]},
            "outside the crop",
        ),
        ({"footage_problems": ["The sound lasts 9.0 s, its picture 4.0 s."]}, "Footage: The sound lasts 9.0 s"),
        ({"music_problems": ["The music is silent under this film."]}, "Music: The music is silent"),
        ({"takes": [{"segment": 0, "takes": 3, "error_rate": None}]}, "1 of 1 sentences were spoken again"),
        ({"captions": {"findings": [{"check": "outside_safe_area"}]}}, "outside the platform's safe area (1x)"),
        ({"captions": {"findings": [{"check": "width"}] * 3}}, "a line wider than the picture allows (3x)"),
    ],
)
def test_whatever_was_found_is_told_alone(found, words):
    (told,) = findings_of(WELL | found)
    assert words in told

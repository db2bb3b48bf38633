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
        "takes": [{"segment": 0, "takes": 2, "error_rate": 0.1}, *WELL["takes"]],
        "captions": {"findings": [{"check": "glyph_missing"}, {"check": "glyph_missing"}]},
    }
    assert list(findings_of(WELL | found)) == [
        "Film: 12 of 500 frames show no face from the front; the mouth stays as it is there.",
        "Footage: Broken packets of the picture that were skipped: 1 of 120.",
        "Music: Broken packets of the sound that were skipped: 2 of 117.",
        "Voice: 1 of 3 sentences spoken again, as something else was heard.",
        "Captions: letters that the font does not have (2x).",
    ]

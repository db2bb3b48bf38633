"""What a film would still need, before it is ordered."""

from tests.support.film_jobs import SCRIPT, SIZE


def forecast(films, script: str, **fields) -> dict:
    response = films.post("/api/v1/forecast", json={"script": script, **SIZE, **fields})
    assert response.status_code == 200, response.text
    return response.json()


def test_nothing_is_spoken_twice(films, film):
    told = forecast(films, SCRIPT)
    assert told["to_speak"] == 0
    assert [each["char_start"] for each in told["sentences"]] == [each["char_start"] for each in film["segments"]]


def test_only_the_changed_sentence_is_spoken(films, film):
    """Wherever it stands: a voice does not depend on the sentences around it."""
    told = forecast(films, f"One more. {SCRIPT}")
    assert [each["spoken"] for each in told["sentences"]] == [False, *([True] * len(film["segments"]))]


def test_what_changes_the_voice_changes_every_sentence(films, film):
    assert forecast(films, SCRIPT, speed=1.5)["to_speak"] == len(film["segments"])
    assert forecast(films, SCRIPT, seed=7)["to_speak"] == len(film["segments"])
    assert forecast(films, SCRIPT, pronunciations=["English=sequel"])["to_speak"] == 1


def test_a_script_without_words_is_refused(films):
    response = films.post("/api/v1/forecast", json={"script": "  "})
    assert (response.status_code, response.json()["field"]) == (422, "script")


def test_a_changed_sentence_is_counted_heard_and_made(films, film):
    """Only that one is spoken, and its film leaves the pictures after the opening as they are."""
    path = f"/api/v1/jobs/{film['id']}/revision"
    told = films.post(path, json={"segment": 1, "text": "It speaks another language."}).json()
    assert (told["to_speak"], told["segment"], told["takes"]) == (1, 1, [])
    assert [each["spoken"] for each in told["sentences"]] == [True, False, True]
    assert told["request"]["segment_choices"] == [
        {"segment": 2, "voice": "", "take": 0, "first_footage_frame": film["segments"][2]["first_footage_frame"]}
    ]
    heard = films.post("/api/v1/takes", json={"request": told["request"], "segment": 1})
    assert (heard.status_code, heard.headers["content-type"], heard.content[:4]) == (200, "audio/wav", b"RIFF")
    again = films.post(path, json={"segment": 1, "text": "It speaks another language."}).json()
    assert (again["to_speak"], again["takes"]) == (0, [0])
    assert (
        films.post("/api/v1/takes", json={"request": told["request"], "segment": 1}).headers["etag"]
        == (heard.headers["etag"])
    )


def test_what_cannot_be_changed_is_told(films, film):
    path = f"/api/v1/jobs/{film['id']}/revision"
    for change, field in (({"segment": 9}, "segment"), ({"segment": 0, "take": 100}, "take")):
        response = films.post(path, json=change)
        assert (response.status_code, response.json()["field"]) == (422, field)
    response = films.post(
        "/api/v1/takes", json={"request": {"script": SCRIPT, **SIZE, "voice": "nobody"}, "segment": 0}
    )
    assert (response.status_code, response.json()["field"]) == (422, "voice")

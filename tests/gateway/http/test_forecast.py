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

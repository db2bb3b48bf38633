"""Jobs over HTTP: a real gateway over a real mesh."""

import io
import json
import re
import threading
from urllib.parse import quote

import av
import httpx
import pytest

from tests.support.film_jobs import SCRIPT, SIZE, TITLE, events, submitted
from tests.support.gateway_media import write_sound


def test_a_job_tells_what_it_did(films, film):
    assert film["request"]["script"] == SCRIPT
    assert film["progress"]["percent"] == 100
    assert film["progress"]["stage"] == "done"
    assert "".join(segment["text"] for segment in film["segments"]).replace(" ", "") in SCRIPT.replace(" ", "")
    assert all(segment["spoken"] and segment["filmed"] for segment in film["segments"])
    assert film["start_time"] < film["end_time"]
    listed = films.get("/api/v1/jobs", params={"state": "done", "page_size": 100}).json()["jobs"]
    assert film["id"] in {job["id"] for job in listed}


@pytest.mark.fault("gateway killed")
def test_events_rise_by_one_and_can_be_resumed(films, film):
    every = [event for event in events(films, film["id"]) if event["name"] == "message"]
    assert [int(event["id"]) for event in every] == list(range(1, len(every) + 1))
    assert every[-1]["state"] == "done"
    percents = [event["progress"]["percent"] for event in every]
    assert percents == sorted(percents)
    middle = len(every) // 2
    rest = [event for event in events(films, film["id"], str(middle)) if event["name"] == "message"]
    assert rest == every[middle:]
    seen_all = films.get(f"/api/v1/jobs/{film['id']}/events", headers={"Last-Event-ID": str(every[-1]["id"])})
    assert (seen_all.status_code, seen_all.content) == (204, b"")  # which tells an EventSource to stop


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "9" * 30, "9" * 20, str(2**63)])
def test_bad_event_ids_are_problems(films, film, last_id):
    response = films.get(f"/api/v1/jobs/{film['id']}/events", headers={"Last-Event-ID": last_id})
    assert response.status_code == 422
    assert response.json()["field"] == "Last-Event-ID"


def test_the_film_plays_and_is_served_in_ranges(films, film):
    url = film["outputs"]["film.mp4"]["url"]
    whole = films.get(url)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["etag"] == f'"{film["outputs"]["film.mp4"]["sha256"]}"'
    with av.open(io.BytesIO(whole.content)) as container:
        assert container.streams.video[0].width == SIZE["width"]
        assert sum(1 for _ in container.decode(video=0)) > 25
    part = films.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    for unusable in (
        "pages=0-1",
        "bytes=",
        "bytes=a-b",
        "bytes=5-1",
        "bytes=0-" + "9" * 5000,
    ):  # RFC 9110, 14.2: as if there was none
        ignored = films.get(url, headers={"Range": unusable})
        assert (ignored.status_code, len(ignored.content)) == (200, len(whole.content)), unusable
    assert films.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert whole.headers["content-disposition"].startswith("inline")
    saved = films.get(url, params={"download": True}).headers["content-disposition"]
    assert saved == f"attachment; filename*=utf-8''{quote(TITLE.replace('/', '_') + '.mp4')}"


def test_captions_cover_and_report(films, film):
    base = f"/api/v1/jobs/{film['id']}"
    srt, vtt, ass = (films.get(f"{base}/captions.{suffix}").text for suffix in ("srt", "vtt", "ass"))
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n", srt)
    assert vtt.startswith("WEBVTT")
    assert "[Script Info]" in ass
    assert "主持人" in srt
    assert "主持人" in vtt
    cover = films.get(f"{base}/cover.jpg")
    assert (cover.headers["content-type"], cover.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert isinstance(films.get(f"{base}/report.json").json(), dict)


def test_outputs_that_are_not_there(films, film):
    for name, reason in (("film.avi", "UNKNOWN_OUTPUT"), ("..%2ffilm.mp4", None)):
        response = films.get(f"/api/v1/jobs/{film['id']}/{name}")
        assert response.status_code == 404
        assert reason is None or response.json()["reason"] == reason
    assert films.get("/api/v1/jobs/nothing/film.mp4").status_code == 404
    assert films.get("/api/v1/jobs/nothing/events").status_code == 404
    assert films.get("/api/v1/jobs/%ff%fe/preview").status_code == 404


def test_the_same_key_is_the_same_job_once(films, footage):
    consent = {"person": "Anna", "statement": "Yes."}  # given now, both times
    body = {"script": SCRIPT, "footage": footage, **SIZE, "seed": 77, "consent": consent}
    key = {"Idempotency-Key": "the same twice"}
    first, again = (films.post("/api/v1/jobs", json=body, headers=key) for _ in range(2))
    assert [first.status_code, again.status_code] == [202, 202], (first.text, again.text)
    assert first.json()["id"] == again.json()["id"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = films.post("/api/v1/jobs", json={**body, "seed": 78}, headers=key)
    assert other.status_code == 409
    films.post(f"/api/v1/jobs/{first.json()['id']}/cancel")


def test_a_preview_plays_before_the_film_is_there(films, footage):
    job = submitted(films, footage, seed=3)
    assert films.get(f"/api/v1/jobs/{job['id']}/preview").json()["reason"] == "NOT_READY"
    for event in events(films, job["id"]):
        if event["name"] == "message" and event["progress"]["playable_s"] > 2:
            break
    preview = films.get(f"/api/v1/jobs/{job['id']}/preview")
    assert preview.status_code == 200
    with av.open(io.BytesIO(preview.content)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 25
    assert films.get(f"/api/v1/jobs/{job['id']}/film.mp4").json()["reason"] == "NOT_READY"
    assert films.post(f"/api/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    films.delete(f"/api/v1/jobs/{job['id']}")


def test_cancel_retry_delete(films, footage):
    running = submitted(films, footage, seed=1)
    waiting = submitted(films, footage, script=SCRIPT, seed=2)
    seen: list[dict] = []
    with httpx.Client(base_url=films.base_url, timeout=200, trust_env=False) as other:
        follower = threading.Thread(target=lambda: seen.extend(events(other, waiting["id"])))
        follower.start()
        in_use = films.delete(f"/api/v1/footage/{footage}")
        assert (in_use.status_code, in_use.json()["reason"]) == (409, "IN_USE")
        for job in (running, waiting):
            kept = films.delete(f"/api/v1/jobs/{job['id']}")
            assert (kept.status_code, kept.json()["reason"]) == (409, "JOB_RUNNING"), kept.text
            assert "Cancel it first" in kept.json()["remedy"]
        assert waiting["id"] in in_use.json()["problem"] or running["id"] in in_use.json()["problem"]
        for event in events(films, running["id"]):
            if event["name"] == "message" and event["progress"]["segments_done"] >= 1:
                break
        assert films.post(f"/api/v1/jobs/{waiting['id']}/cancel").json()["state"] == "cancelled"
        follower.join(200)
    assert [event["name"] for event in seen][-1] == "end"
    assert "comment" in {event["name"] for event in seen}  # it waited its turn without a word
    assert [event for event in seen if event["name"] == "message"][-1]["state"] == "cancelled"
    assert films.post(f"/api/v1/jobs/{running['id']}/cancel").json()["state"] == "cancelled"
    assert films.post(f"/api/v1/jobs/{running['id']}/cancel").json()["state"] == "cancelled"  # as it is already
    assert films.post("/api/v1/jobs/nothing/cancel").status_code == 404
    retried = films.post(f"/api/v1/jobs/{waiting['id']}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "queued")
    assert [event for event in events(films, waiting["id"]) if event["name"] == "message"][-1]["state"] == "done"
    assert films.post(f"/api/v1/jobs/{waiting['id']}/retry").status_code == 409
    assert films.post(f"/api/v1/jobs/{running['id']}/retry").json()["progress"]["stage"] == "queued"
    assert films.post(f"/api/v1/jobs/{running['id']}/cancel").json()["state"] == "cancelled"
    for job in (running, waiting):
        assert films.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
        assert films.get(f"/api/v1/jobs/{job['id']}").status_code == 404


def test_what_was_asked_can_be_asked_again(films, footage, tmp_path):
    """Entries by their names, and the answer as it came: the same request, the same film."""
    agreed = {"person": "Anna", "statement": "Clone me.", "name": "Anna, reading"}
    voice = films.post("/api/v1/voices", files={"file": ("c.wav", sound(tmp_path, 0.33))}, data=agreed).json()["id"]
    named = {"voice": "anna, reading", "music": "morning light", "title_style": "headline"}
    first = submitted(films, "", seed=5, consent=agreed_face(), **named)
    again = films.post("/api/v1/jobs", json=first["request"])
    assert again.status_code == 202, again.text
    assert again.json()["request"] == first["request"]
    assert first["request"]["voice"] == voice
    presenter, music = (films.get(f"/api/v1/{kind}").json()["items"] for kind in ("footage", "music"))
    assert first["request"]["footage"] in {entry["id"] for entry in presenter if entry["bundled"]}
    assert first["request"]["music"] in {entry["id"] for entry in music if entry["name"].lower() == "morning light"}
    for job in (again.json(), first):
        films.post(f"/api/v1/jobs/{job['id']}/cancel")


def agreed_face():
    return {"person": "Berta", "statement": "My face, too."}


def test_music_and_voices_of_a_waiting_job_are_kept(films, footage, tmp_path):
    music = films.post("/api/v1/music", files={"file": ("a.wav", sound(tmp_path, 0.31))}).json()["id"]
    agreed = {"person": "Anna", "statement": "Clone me."}
    voice = films.post("/api/v1/voices", files={"file": ("b.wav", sound(tmp_path, 0.32))}, data=agreed).json()["id"]
    running = submitted(films, footage, seed=4)
    waiting = submitted(films, footage, script=SCRIPT, music=music, voice=voice)
    places = (f"/api/v1/music/{music}", f"/api/v1/voices/{voice}")
    for place in places:
        refused = films.delete(place)
        assert (refused.status_code, refused.json()["reason"]) == (409, "IN_USE")
        assert waiting["id"] in refused.json()["problem"]
    for job in (waiting, running):
        assert films.post(f"/api/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert [films.delete(place).status_code for place in places] == [204, 204]


def sound(folder, amplitude):
    return write_sound(folder / "sound.wav", amplitude=amplitude).read_bytes()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"script": ""}, "script"),
        ({"script": "  \n "}, "script"),
        ({"script": "🎉🎉"}, "script"),
        ({"script": "a\0b"}, "script"),
        ({"script": "字" * 100_000}, "script"),
        ({"title": "t" * 1000}, "title"),
        ({"width": 271}, "width"),
        ({"height": 4}, "height"),
        ({"speed": 17}, "speed"),
        ({"music_gain_db": 99}, "music_gain_db"),
        ({"music": "0" * 64}, "music"),
        ({"caption_style": "no such style"}, "caption_style"),
    ],
)
def test_specs_that_can_never_work_are_refused_at_once(films, footage, fields, field):
    body = {"script": SCRIPT, "footage": footage, **SIZE, **fields}
    response = films.post("/api/v1/jobs", json=body)
    assert response.status_code in {404, 422}, response.text
    assert response.json()["field"] == field
    assert response.json()["remedy"]


def test_a_job_that_fails_says_why(films):
    gray = b"P6 64 64 255 "  # not even an image type that is taken
    assert films.post("/api/v1/footage", files={"file": ("a.ppm", gray)}).status_code == 422
    entry = films.post("/api/v1/footage", files={"file": ("a.png", faceless())}).json()
    job = submitted(films, entry["id"], script=SCRIPT)
    assert list(events(films, job["id"]))[-1]["name"] == "end"
    failed = films.get(f"/api/v1/jobs/{job['id']}").json()
    assert failed["state"] == "failed"
    assert (failed["error"]["reason"], failed["error"]["field"]) == ("NO_FACE", "footage")
    assert failed["error"]["remedy"]


def faceless() -> bytes:
    """A picture of nothing."""
    from PIL import Image

    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    return file.getvalue()


def test_unused_footage_is_deleted(films, tmp_path):
    entry = films.post("/api/v1/footage", files={"file": ("a.png", faceless())}).json()
    assert films.delete(f"/api/v1/footage/{entry['id']}").status_code == 204
    assert films.get(entry["url"]).status_code == 404
    assert films.delete(f"/api/v1/footage/{entry['id']}").status_code == 404


def test_a_film_outlives_its_own_upload(films, film):
    """A film that somebody uploads as footage is the same file; deleting the footage must leave it to its job."""
    output = film["outputs"]["film.mp4"]
    whole = films.get(output["url"]).content
    entry = films.post("/api/v1/footage", files={"file": ("mine.mp4", whole)}).json()
    assert entry["id"] == output["sha256"]
    assert films.delete(f"/api/v1/footage/{entry['id']}").status_code == 204
    assert films.get(entry["url"]).status_code == 404
    assert films.get(output["url"]).content == whole


def test_pages_of_jobs_follow_each_other(films, film, footage):
    ids = [job["id"] for job in films.get("/api/v1/jobs", params={"page_size": 100}).json()["jobs"]]
    paged, token = [], ""
    while True:
        page = films.get("/api/v1/jobs", params={"page_size": 1, "page_token": token}).json()
        paged += [job["id"] for job in page["jobs"]]
        if not (token := page["next_page_token"]):
            break
    assert paged == ids
    assert films.get("/api/v1/jobs", params={"page_size": 1000}).status_code == 422
    for token in ("x", "-1", "9" * 19, "9" * 200):
        assert films.get("/api/v1/jobs", params={"page_token": token}).json()["field"] == "page_token"


def test_the_whole_mesh_is_seen(films, film):
    assert films.get("/readyz").status_code == 200
    services = films.get("/api/v1/services").json()["services"]
    assert all(service["ok"] for service in services), services
    engines = {service["name"]: service["replicas"][0]["engine"] for service in services}
    assert (engines["tts"], engines["lipsync"], engines["overlay"]) == ("espeak", "warp", "plain")
    metrics = films.get("/metrics").text
    assert "vigent_jobs" not in metrics  # the orchestrator's: exported twice, a sum would double
    assert 'vigent_probe_success{service="lipsync"} 1.0' in metrics


def test_what_was_spoken_is_heard(films):
    """OpenAI's two doors against each other: recognition by the built-in engine is rough, its shape is not."""
    wav = films.post("/v1/audio/speech", json={"input": "Hello world. How are you today?", "voice": "man"}).content
    files = {"file": ("speech.wav", wav)}
    plain = films.post("/v1/audio/transcriptions", files=files, data={"model": "whisper-1", "language": "en"})
    assert plain.status_code == 200, plain.text
    text = plain.json()["text"]
    assert text.strip()
    whole = films.post(
        "/v1/audio/transcriptions",
        files=files,
        data={"language": "en", "response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    ).json()
    assert whole["text"] == text
    assert whole["words"]
    assert all(0 <= word["start"] <= word["end"] for word in whole["words"])
    data = {"language": "en", "stream": "true"}
    streamed = films.post("/v1/audio/transcriptions", files=files, data=data).text
    parts = [json.loads(line.removeprefix("data: ")) for line in streamed.splitlines() if line]
    assert parts[-1] == {"type": "transcript.text.done", "text": text}
    assert "".join(part["delta"] for part in parts[:-1]) == text
    srt = films.post("/v1/audio/transcriptions", files=files, data={"language": "en", "response_format": "srt"}).text
    assert re.match(r"1\n\d\d:\d\d:\d\d,\d{3} --> ", srt)
    vtt = films.post("/v1/audio/transcriptions", files=files, data={"language": "en", "response_format": "vtt"}).text
    assert re.match(r"WEBVTT\n\n\d\d:\d\d:\d\d\.\d{3} --> ", vtt)


def test_subtitles_of_what_is_heard_are_cut_as_captions_are(films):
    long = "the people of this town have never seen a boat as large as the one that came into the harbour this morning"
    wav = films.post("/v1/audio/speech", json={"input": f"{long} and stayed.", "voice": "man"}).content
    data = {"language": "en", "response_format": "srt"}
    srt = films.post("/v1/audio/transcriptions", files={"file": ("speech.wav", wav)}, data=data).text
    lines = [cue.splitlines()[2:] for cue in srt.strip().split("\n\n")]
    assert len(lines) > 2
    assert all(len(line) == 1 and len(line[0]) <= 42 for line in lines), srt

"""Publishing over HTTP: a real gateway over a real mesh, and a film that it has made."""

import io
import json
import zipfile

import av
import pytest
from PIL import Image

from services.media.framing.refit import refit
from tests.support.film_jobs import submitted


@pytest.fixture
def publication(film) -> str:
    """Where the film's publication is."""
    return f"/api/v1/jobs/{film['id']}/publication"


def reasons(view: dict, platform: str) -> dict[str, str]:
    return {rule["name"]: rule["reason"] for rule in view["checks"][platform] if rule["state"] != "ok"}


def test_platforms_are_told(films):
    items = films.get("/api/v1/platforms").json()["items"]
    assert [item["id"] for item in items] == ["douyin", "xiaohongshu", "bilibili", "channels", "youtube", "tiktok"]


def test_texts_are_suggested_kept_and_checked(films, film, publication):
    first = films.get(publication).json()
    assert first["draft"]["texts"]["title"] == film["request"]["title"]
    assert first["frames"] == sum(segment["frames"] for segment in film["segments"])
    assert reasons(first, "tiktok") == {"sides": "TOO_LITTLE"}  # films of tests are 270 pixels wide
    draft = {"texts": {"title": "字" * 31, "tags": ["#a"]}, "own": {"youtube": {"title": ""}}, "cover_frame": 3}
    told = films.put(publication, json=draft).json()
    assert (reasons(told, "douyin")["title"], reasons(told, "youtube")["title"]) == ("TOO_LONG", "MISSING")
    assert told["draft"]["texts"]["tags"] == ["a"]
    assert films.get(publication).json() == told


def test_covers_have_the_sizes_of_the_platform(films, film):
    url = f"/api/v1/jobs/{film['id']}/covers/douyin"
    pictures = [films.get(url, params={"size": size, "frame": 5}) for size in (0, 1)]
    assert [Image.open(io.BytesIO(picture.content)).size for picture in pictures] == [(1080, 1440), (1440, 1080)]
    assert films.get(url).status_code == 200
    beyond = films.get(url, params={"frame": 100_000})
    assert (beyond.status_code, beyond.json()["reason"], beyond.json()["field"]) == (422, "NO_FRAME", "cover_frame")
    assert films.get(url, params={"size": 2}).status_code == 404


def test_a_cover_shows_the_frame_that_was_chosen(films, film):
    """Frames with and without the title differ; the same frame again has the same bytes."""
    url = f"/api/v1/jobs/{film['id']}/covers/tiktok"
    last = sum(segment["frames"] for segment in film["segments"]) - 1
    titled, untitled, again = (films.get(url, params={"frame": frame}) for frame in (10, last, 10))
    assert titled.content == again.content != untitled.content
    assert films.get(url, params={"frame": 10}, headers={"If-None-Match": again.headers["etag"]}).status_code == 304


def test_a_pack_has_all_that_is_needed(films, film, publication):
    texts = {"title": "A title", "description": "What it is.", "tags": ["one", "two words"]}
    films.put(publication, json={"texts": texts})
    response = films.get(f"/api/v1/jobs/{film['id']}/packs/bilibili", params={"language": "zh"})
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(response.content)) as pack:
        assert pack.testzip() is None
        assert pack.namelist() == [
            "film.mp4",
            "cover-1920x1200.jpg",
            "cover-1440x1080.jpg",
            "texts.txt",
            "captions.srt",
            "captions.vtt",
            "checklist.txt",
        ]
        assert pack.read("film.mp4") == films.get(film["outputs"]["film.mp4"]["url"]).content
        assert pack.read("texts.txt").decode() == "A title\n\nWhat it is.\n\none,two words\n"
        assert "发布到哔哩哔哩" in pack.read("checklist.txt").decode()
    again = films.get(f"/api/v1/jobs/{film['id']}/packs/bilibili", params={"language": "zh"})
    assert again.content == response.content


def test_a_smaller_film_keeps_its_sound_and_its_record_of_ai(films, film, tmp_path):
    source, target = tmp_path / "film.mp4", tmp_path / "smaller.mp4"
    source.write_bytes(films.get(film["outputs"]["film.mp4"]["url"]).content)
    frames = refit(source, target, 180)
    with av.open(str(source)) as large, av.open(str(target)) as small:
        assert (small.streams.video[0].width, small.streams.video[0].height) == (180, 320)
        assert sum(1 for _ in small.decode(video=0)) == frames == large.streams.video[0].frames
        assert json.loads(small.metadata["AIGC"])["Label"] == "1"
        assert small.metadata["title"] == large.metadata["title"]
        large.seek(0)
        small.seek(0)
        assert [bytes(packet) for packet in small.demux(audio=0)] == [bytes(packet) for packet in large.demux(audio=0)]


def test_where_it_was_posted_is_kept_with_the_work(films, film, publication):
    posts = f"/api/v1/jobs/{film['id']}/posts"
    told = films.post(posts, json={"platform": "tiktok", "url": " https://www.tiktok.com/@a/video/1 "})
    assert told.status_code == 201
    (post,) = films.get(publication).json()["posts"]
    assert post["url"] == "https://www.tiktok.com/@a/video/1"
    wrong = films.post(posts, json={"platform": "tiktok", "url": "https://example.org/1"}).json()
    assert (wrong["field"], wrong["reason"]) == ("url", "WRONG_HOST")
    assert films.delete(f"{posts}/{post['id']}").json()["posts"] == []
    assert films.delete(f"{posts}/{post['id']}").status_code == 404


def test_what_is_not_finished_cannot_be_published(films, footage):
    job = submitted(films, footage)
    response = films.get(f"/api/v1/jobs/{job['id']}/publication")
    assert (response.status_code, response.json()["reason"]) == (409, "NOT_READY")
    assert films.get("/api/v1/jobs/job-none/publication").status_code == 404
    films.post(f"/api/v1/jobs/{job['id']}/cancel")


@pytest.mark.parametrize("body", [{"own": {"myspace": {}}}, {"cover_frame": -1}, {"texts": {"tags": ["x"] * 101}}])
def test_a_draft_that_makes_no_sense_is_refused(films, publication, body):
    before = films.get(publication).json()
    assert films.put(publication, json=body).status_code == 422
    assert films.get(publication).json() == before

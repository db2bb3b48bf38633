"""The libraries over HTTP: a real gateway, real files, a real limited child."""

import json
import socket
import threading
from datetime import UTC, datetime

import httpx
import pytest

from services.typography.fonts import ASSETS
from services.typography.styles import list_styles
from tests.support.cases import FOOTAGE, MUSIC, REFUSED_MUSIC
from tests.support.commands import until
from tests.support.films import face_picture
from tests.support.gateway_media import write_picture_clip, write_sound

CONSENT = {"person": "Anna", "statement": "I agree that my voice is cloned for this test."}


def problem(response: httpx.Response, status: int, reason: str) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["reason"] == reason, body
    assert body["problem"]
    assert body["status"] == status
    return body


def test_footage_is_uploaded_listed_and_read_back(http, tmp_path):
    clip = write_picture_clip(tmp_path / "presenter.mp4")
    uploaded = http.post("/api/v1/footage", files={"file": ("presenter.mp4", clip.read_bytes())}, data={"name": "安娜"})
    assert uploaded.status_code == 201
    entry = uploaded.json()
    assert entry["name"] == "安娜"
    assert (entry["width"], entry["frames"], entry["mime_type"]) == (160, 30, "video/mp4")
    assert entry in http.get("/api/v1/footage").json()["items"]
    content = http.get(entry["url"])
    assert content.content == clip.read_bytes()
    assert content.headers["content-type"] == "video/mp4"
    poster = http.get(entry["poster_url"])
    assert poster.headers["content-type"] == "image/jpeg"
    assert poster.content.startswith(b"\xff\xd8\xff")


def test_the_same_content_again_renews_its_description(http):
    files = {"file": ("face.png", face_picture())}
    first = http.post("/api/v1/footage", files=files, data={"name": "one"})
    again = http.post("/api/v1/footage", files=files, data={"name": "two", "licence": "CC0-1.0"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    listed = [item for item in http.get("/api/v1/footage").json()["items"] if item["id"] == first.json()["id"]]
    assert [(item["name"], item["licence"]) for item in listed] == [("two", "CC0-1.0")]


def test_ranges_tags_and_caching(http, tmp_path):
    sound = write_sound(tmp_path / "a.wav").read_bytes()
    entry = http.post("/api/v1/music", files={"file": ("a.wav", sound)}).json()
    whole = http.get(entry["url"])
    assert whole.headers["etag"] == f'"{entry["id"]}"'
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["x-content-type-options"] == "nosniff"
    part = http.get(entry["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, sound[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(sound)}"
    tail = http.get(entry["url"], headers={"Range": "bytes=-5"})
    assert tail.content == sound[-5:]
    assert http.get(entry["url"], headers={"Range": f"bytes={len(sound)}-"}).status_code == 416
    assert http.get(entry["url"], headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    for wanted in (whole.headers["etag"], f'"x", {whole.headers["etag"]}', "*"):
        assert http.get(entry["url"], headers={"If-Match": wanted}).status_code == 200
    for wanted in ('"something else"', f"W/{whole.headers['etag']}", ""):
        for ask in (http.get, http.head):
            refused = ask(entry["url"], headers={"If-Match": wanted, "If-None-Match": whole.headers["etag"]})
            assert (refused.status_code, refused.headers["etag"]) == (412, whole.headers["etag"])
    assert http.get(entry["url"], headers={"If-Match": '"x"'}).json()["reason"] == "PRECONDITION_FAILED"
    other = http.get(entry["url"], headers={"Range": "bytes=0-1", "If-Range": '"something else"'})
    assert (other.status_code, other.content) == (200, sound)
    head = http.head(entry["url"])
    assert (head.status_code, head.content, int(head.headers["content-length"])) == (200, b"", len(sound))


def test_music_is_measured(http, tmp_path):
    sound = write_sound(tmp_path / "a.wav", amplitude=0.05).read_bytes()
    entry = http.post("/api/v1/music", files={"file": ("a.wav", sound)}).json()
    assert entry["loudness_lufs"] == pytest.approx(-26, abs=0.2)
    assert entry["duration_s"] == 2.0
    assert max(entry["waveform"]) == pytest.approx(0.05, abs=0.01)


def test_a_cloned_voice_needs_consent_and_keeps_it(http, tmp_path):
    recording = {"file": ("anna.wav", write_sound(tmp_path / "a.wav", duration_s=4).read_bytes())}
    missing = problem(http.post("/api/v1/voices", files=recording), 422, "MISSING")
    assert missing["field"] == "person"
    entry = http.post("/api/v1/voices", files=recording, data={**CONSENT, "languages": "zh, en"}).json()
    assert entry["consent"]["person"] == CONSENT["person"]
    assert entry["consent"]["statement"] == CONSENT["statement"]
    assert entry["languages"] == ["zh", "en"]
    voices = http.get("/api/v1/voices").json()
    assert entry["id"] in {voice["id"] for voice in voices["items"]}
    assert any("zh" in voice["languages"] for voice in voices["engine"])


@pytest.mark.parametrize("name", ["woman", "Woman"])
def test_a_recording_does_not_take_the_name_of_the_engines_voice(http, tmp_path, name):
    """Jobs name either by `voice`."""
    assert "woman" in {voice["id"] for voice in http.get("/api/v1/voices").json()["engine"]}
    sound = write_sound(tmp_path / "a.wav", amplitude=0.31, duration_s=4).read_bytes()
    by_file = http.post("/api/v1/voices", files={"file": (f"{name}.wav", sound)}, data=CONSENT)
    by_form = http.post("/api/v1/voices", files={"file": ("a.wav", sound)}, data={**CONSENT, "name": name})
    for refused in (by_file, by_form):
        assert problem(refused, 409, "NAME_TAKEN")["field"] == "name"
    assert http.post("/api/v1/voices", files={"file": (f"{name} 2.wav", sound)}, data=CONSENT).is_success


def test_consent_without_a_time_was_given_with_the_upload(http, tmp_path):
    recording = {"file": ("b.wav", write_sound(tmp_path / "b.wav", amplitude=0.3, duration_s=4).read_bytes())}
    before = datetime.now(UTC)
    entry = http.post("/api/v1/voices", files=recording, data=CONSENT).json()
    assert before < datetime.fromisoformat(entry["consent"]["given_time"]) < datetime.now(UTC)
    told = http.post("/api/v1/voices", files=recording, data={**CONSENT, "given_time": "2026-01-02T03:04:05Z"}).json()
    assert told["consent"]["given_time"] == "2026-01-02T03:04:05Z"
    blank = problem(http.post("/api/v1/voices", files=recording, data={**CONSENT, "person": " "}), 422, "INVALID_INPUT")
    assert blank["field"] == "person"


def test_a_recording_too_short_to_clone_is_refused(http, tmp_path):
    recording = {"file": ("a.wav", write_sound(tmp_path / "a.wav", duration_s=0.5).read_bytes())}
    problem(http.post("/api/v1/voices", files=recording, data=CONSENT), 422, "RECORDING_TOO_SHORT")


def test_bundled_fonts_say_what_they_are(http):
    fonts = http.get("/api/v1/fonts").json()["items"]
    bold = next(font for font in fonts if (font["font_id"], font["weight"]) == ("noto-sans-sc", 700))
    assert bold["bundled"]
    assert bold["licence"] == "OFL-1.1"
    assert {"Hans", "Latn"} <= set(bold["scripts"])
    assert bold["names"]["zh"]
    content = http.get(bold["url"]).content
    assert content == (ASSETS / "fonts" / "NotoSansSC-Bold.otf").read_bytes()
    problem(http.delete(f"/api/v1/fonts/{bold['id']}"), 409, "BUNDLED")


def test_what_comes_with_vigent_is_not_listed_again_when_uploaded(http):
    fonts = http.get("/api/v1/fonts").json()["items"]
    emoji = next(font for font in fonts if font["font_id"] == "noto-emoji")
    again = http.post("/api/v1/fonts", files={"file": ("mine.ttf", http.get(emoji["url"]).content)})
    assert (again.status_code, again.json()) == (200, emoji)
    assert http.get("/api/v1/fonts").json()["items"] == fonts


def test_the_bundled_presenter_and_music_are_there(http):
    presenter = next(item for item in http.get("/api/v1/footage").json()["items"] if item["bundled"])
    assert (presenter["width"], presenter["height"], presenter["frame_rate_hz"]) == (1080, 1920, 25)
    assert presenter["licence"] == "Apache-2.0"
    music = [item for item in http.get("/api/v1/music").json()["items"] if item["bundled"]]
    assert music
    for track in music:
        assert track["mime_type"] == "audio/mp4"
        assert track["licence"]
        assert track["source"]
        assert -20 < track["loudness_lufs"] < -10


def test_a_font_is_uploaded(http):
    changed = bytearray((ASSETS / "fonts" / "NotoEmoji-Bold.ttf").read_bytes() + b"\0")
    entry = http.post("/api/v1/fonts", files={"file": ("mine.ttf", bytes(changed))}).json()
    assert entry["scripts"] == ["Zsye"]
    assert not entry["bundled"]


def test_styles_are_listed_by_role(http):
    styles = http.get("/api/v1/styles").json()["items"]
    for role in ("subtitle", "title"):
        assert [style["id"] for style in styles if style["role"] == role] == list_styles(role)
    assert all({"en", "zh"} <= set(style["names"]) for style in styles)


def test_a_style_is_checked_by_the_schema(http):
    style = json.loads(
        (ASSETS / "styles" / "subtitle" / f"{list_styles('subtitle')[0]}.json").read_text(encoding="utf-8")
    )
    good = http.post("/api/v1/styles", files={"file": ("s.json", json.dumps(style))}, data={"role": "subtitle"})
    assert good.status_code in {200, 201}
    style["sise"] = 1
    bad = http.post("/api/v1/styles", files={"file": ("s.json", json.dumps(style))}, data={"role": "subtitle"})
    assert "sise" in problem(bad, 422, "STYLE_INVALID")["problem"]
    deep = '{"version":' + "[" * 30_000 + "]" * 30_000 + "}"
    problem(http.post("/api/v1/styles", files={"file": ("s.json", deep)}, data={"role": "title"}), 422, "STYLE_INVALID")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", b"", "EMPTY_FILE"),
        ("a.mp4", b"this is text", "WRONG_FILE_TYPE"),
        ("a.mp4", b"\0\0\0\x18ftypisom" + bytes(3000), "CUT_FILE"),
        ("../../etc/passwd", face_picture(), "PATH_IN_NAME"),
        ("..\\..\\boot.ini", face_picture(), "PATH_IN_NAME"),
    ],
)
def test_bad_footage_is_a_problem_of_the_file(http, name, content, reason):
    found = problem(http.post("/api/v1/footage", files={"file": (name, content)}), 422, reason)
    assert found["field"] == "file"
    assert found["remedy"]


@pytest.mark.parametrize(
    ("kind", "case"),
    [("music", MUSIC[name]) for name in MUSIC if "id3" in name or "gbk" in name]
    + [("footage", FOOTAGE[name]) for name in FOOTAGE if "title" in name],
)
def test_titles_in_any_encoding_are_no_fault_of_the_server(http, tmp_path, kind, case):
    content = case.make(tmp_path).read_bytes()
    assert http.post(f"/api/v1/{kind}", files={"file": ("a", content)}).status_code == 201


@pytest.mark.parametrize("name", ["no channels", "no rate"])
def test_sound_that_no_decoder_takes_is_a_problem_of_the_file(http, tmp_path, name):
    content = REFUSED_MUSIC[name][0](tmp_path).read_bytes()
    problem(http.post("/api/v1/music", files={"file": ("a.wav", content)}), 422, "UNREADABLE_FILE")
    response = http.post("/v1/audio/transcriptions", files={"file": ("a.wav", content)})
    assert response.status_code in {400, 422}, response.text


@pytest.mark.parametrize("name", ["../up", "a/b", "a\0b", "line\nbreak"])
def test_names_that_could_be_paths_are_refused(http, name):
    response = http.post("/api/v1/footage", files={"file": ("a.png", face_picture())}, data={"name": name})
    assert problem(response, 422, "UNUSABLE_NAME")["field"] == "name"


def test_a_long_file_name_gives_no_endless_name(http):
    face = face_picture() + b"long"
    entry = http.post("/api/v1/footage", files={"file": ("名" * 1000 + ".png", face)}).json()
    assert entry["name"] == "名" * 200


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename*=UTF-8''%E4%BD%A0%E5%A5%BD.png", "你好"),
        ("filename=\"a.png\"; filename*=utf-8'zh'%E4%BD%A0.png", "你"),
        ("filename*=GBK''%C4%E3.png", "你"),
        ('filename="你.png"', "你"),
    ],
)
def test_a_file_name_is_read_in_every_form(http, disposition, name):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    head = f'--b\r\nContent-Disposition: form-data; name="file"; {disposition}\r\n\r\n'.encode()
    content = head + face_picture() + disposition.encode() + b"\r\n--b--\r\n"
    assert http.post("/api/v1/footage", content=content, headers=headers).json()["name"] == name


@pytest.mark.parametrize("extended", ["UTF-8''%FF", "no-such-charset''%61"])
def test_a_file_name_that_cannot_be_read_is_told(http, extended):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    content = f'--b\r\nContent-Disposition: form-data; name="file"; filename*={extended}\r\n\r\nx\r\n--b--\r\n'
    problem(http.post("/api/v1/footage", content=content.encode(), headers=headers), 422, "NOT_UTF8")


def test_a_name_does_not_turn_the_writing_around_it(http):
    files = {"file": ("a.png", face_picture() + b"turned")}
    entry = http.post("/api/v1/footage", files=files, data={"name": "cod\u202egpj.exe\u2066"}).json()
    assert entry["name"] == "codgpj.exe"


def test_sound_renamed_to_a_clip_is_refused(http, tmp_path):
    sound = write_sound(tmp_path / "a.wav").read_bytes()
    problem(http.post("/api/v1/footage", files={"file": ("a.mp4", sound)}), 422, "WRONG_FILE_TYPE")


def test_broken_forms_are_problems(http):
    problem(http.post("/api/v1/footage", content=b"x"), 422, "NO_FORM")
    problem(http.post("/api/v1/footage", data={"name": "x"}, files={"other": ("a", b"x")}), 422, "MISSING")
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhal'
    problem(http.post("/api/v1/footage", content=cut, headers=headers), 422, "MISSING")
    problem(http.post("/api/v1/footage", content=b"no form at all", headers=headers), 422, "BROKEN_FORM")
    face = {"file": ("a.png", face_picture())}
    unknown = problem(http.post("/api/v1/footage", files=face, data={"nmae": "x"}), 422, "UNKNOWN_FIELD")
    assert unknown["field"] == "nmae"
    problem(http.post("/api/v1/footage", files=face, data={"source": "x" * 20_000}), 422, "BROKEN_FORM")


def test_uploads_above_the_limit_are_refused_announced_or_not(http):
    def unannounced():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    problem(http.post("/api/v1/footage", content=unannounced(), headers=headers), 413, "BODY_TOO_LARGE")
    files = {"file": ("a", bytes(6_000_000))}
    problem(http.post("/api/v1/footage", files=files), 413, "BODY_TOO_LARGE")


def test_a_refused_upload_leaves_nothing_behind(http, gateway):
    tmp = gateway.log.parent / "media" / "tmp"
    http.post("/api/v1/footage", files={"file": ("a.mp4", b"text")})
    assert list(tmp.iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing_behind(http, gateway):
    host, port = gateway.address.split(":")
    head = "POST /api/v1/footage HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\n{part}".encode())
        tmp = gateway.log.parent / "media" / "tmp"
        assert until(lambda: any(tmp.iterdir()))
    assert until(lambda: not any(tmp.iterdir()))
    assert http.get("/livez").status_code == 200
    assert "Traceback" not in gateway.log.read_text(encoding="utf-8")


def test_deleting_asks_who_uses_it(http):
    """Nobody answers for jobs here, so nothing may be deleted."""
    entry = http.post("/api/v1/footage", files={"file": ("face.png", face_picture())}).json()
    problem(http.delete(f"/api/v1/footage/{entry['id']}"), 503, "UNREACHABLE")
    assert entry["id"] in {item["id"] for item in http.get("/api/v1/footage").json()["items"]}
    problem(http.delete("/api/v1/footage/unknown"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../pyproject.toml",
        "/assets/%2e%2e/pyproject.toml",
        "/assets/fonts/..%2f..%2fpyproject.toml",
        "/assets//etc/passwd",
        f"/assets/footage/{'0' * 64}.mp4",
        f"/assets/nothing/{'0' * 64}.mp4",
        f"/assets/posters/{'0' * 64}.jpg",
        "/assets/fonts/nothing.ttf",
        "/api/v1/footage/..%2f..%2fjobs.db",
    ],
)
def test_no_path_leads_out_of_the_assets(gateway, path):
    with httpx.Client(base_url=f"http://{gateway.address}", timeout=200, trust_env=False) as raw:
        request = httpx.Request("GET", f"http://{gateway.address}")
        request.url = request.url.copy_with(raw_path=path.encode())
        assert raw.send(request).status_code in {404, 405}


def test_bundled_files_are_revalidated(http):
    first = http.get("/assets/styles/schema.json")
    assert first.json()["title"]
    assert first.headers["cache-control"] == "no-cache"
    assert http.get("/assets/styles/schema.json", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    for wanted, status in (
        (first.headers["etag"], 200),
        ("*", 200),
        ('"another"', 412),
        (f"W/{first.headers['etag']}", 412),
    ):
        assert http.head("/assets/styles/schema.json", headers={"If-Match": wanted}).status_code == status
        both = {"If-Match": wanted, "If-None-Match": first.headers["etag"]}
        assert http.get("/assets/styles/schema.json", headers=both).status_code == (304 if status == 200 else 412)


def test_many_uploads_at_once_end_whole(http, tmp_path):
    contents = [write_sound(tmp_path / f"{n}.wav", amplitude=0.21 + n / 50).read_bytes() for n in range(4)]
    statuses: list[int] = []

    def upload(content: bytes) -> None:
        statuses.append(http.post("/api/v1/music", files={"file": ("a.wav", content)}).status_code)

    threads = [threading.Thread(target=upload, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 4
    names = [entry["id"] for entry in http.get("/api/v1/music").json()["items"]]
    assert len(names) == len(set(names))

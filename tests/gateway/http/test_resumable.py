"""Uploads in parts over HTTP: they go on where they were after a gateway that was killed, and are whole."""

import base64
import json
import os
import signal
import socket
import time

import httpx
import pytest

from gateway.http.unfinished import UnfinishedUploads
from services.media.store import MediaStore
from tests.gateway.conftest import client_of
from tests.support.commands import until
from tests.support.films import face_picture
from tests.support.mesh import run_server

PATH = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}


def begun(http: httpx.Client, size: int, name: str = "face.png") -> str:
    told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in
                    {"filename": name, "filetype": "image/png"}.items())  # fmt: skip
    answer = http.post(PATH, headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": told})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].startswith(f"{PATH}/")
    return answer.headers["location"]


def part(http: httpx.Client, place: str, offset: int, data: bytes) -> httpx.Response:
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return http.patch(place, headers=headers, content=data)


def arrived(http: httpx.Client, place: str) -> int:
    return int(http.head(place, headers=TUS).headers["upload-offset"])


def taken(http: httpx.Client, place: str, kind: str = "footage", **told: str) -> httpx.Response:
    fields = {"upload": place.rpartition("/")[2], **told}
    return http.post(f"/api/v1/{kind}", files={name: (None, value) for name, value in fields.items()})


def refused(answer: httpx.Response, status: int, reason: str) -> dict:
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    return answer.json()


def test_an_upload_in_parts_is_looked_at_as_any_other(http: httpx.Client) -> None:
    picture = face_picture()
    place = begun(http, len(picture), "Ada.png")
    assert part(http, place, 0, picture[:1000]).headers["upload-offset"] == "1000"
    refused(taken(http, place), 409, "UPLOAD_UNFINISHED")
    refused(part(http, place, 5, picture[5:]), 409, "WRONG_OFFSET")
    assert part(http, place, 1000, picture[1000:]).status_code == 204
    refused(taken(http, place, nmae="x"), 422, "UNKNOWN_FIELD")  # which leaves it where it is
    entry = taken(http, place, licence="CC0-1.0")
    assert (entry.status_code, entry.json()["name"], entry.json()["licence"]) == (201, "Ada", "CC0-1.0")
    assert http.get(entry.json()["url"]).content == picture
    refused(taken(http, place), 404, "UPLOAD_NOT_FOUND")


def test_an_upload_goes_on_after_the_gateway_was_killed(tmp_path) -> None:
    picture = face_picture()
    with run_server("gateway", tmp_path) as first, client_of(first) as http:
        place = begun(http, len(picture))
        unfinished = tmp_path / "media" / "uploads" / place.rpartition("/")[2]
        _send_some_and_wait(first.address, place, picture, lambda: unfinished.stat().st_size >= 1000)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    with run_server("gateway", tmp_path) as second, client_of(second) as http:
        offset = arrived(http, place)
        assert offset == 1000
        assert part(http, place, offset, picture[offset:]).status_code == 204
        entry = taken(http, place).json()
        assert http.get(entry["url"]).content == picture


def _send_some_and_wait(address: str, place: str, data: bytes, come) -> None:
    """Announces all of it and sends a thousand bytes; the connection stays open until they have come."""
    host, port = address.split(":")
    head = f"PATCH {place} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
    kind = f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall((head + kind).encode() + data[:1000])
        assert until(come)


def test_what_will_not_fit_is_refused_before_it_is_sent(http: httpx.Client) -> None:
    refused(http.post(PATH, headers={**TUS, "Upload-Length": "6000000"}), 413, "BODY_TOO_LARGE")
    refused(http.post(PATH, headers=TUS), 422, "MISSING")
    refused(http.post(PATH, headers={**TUS, "Upload-Length": "-1"}), 422, "MISSING")
    refused(http.post(PATH, headers={"Upload-Length": "1"}), 412, "WRONG_VERSION")
    refused(http.post(PATH, headers={**TUS, "Upload-Length": "1"}, content=b"x"), 422, "NOT_OFFERED")
    refused(http.post(PATH, headers={**TUS, "Upload-Concat": "final;/a"}), 422, "NOT_OFFERED")
    place = begun(http, 10)
    assert part(http, place, 0, bytes(11)).status_code == 400
    assert part(http, place, 0, bytes(6_000_000)).status_code == 413


def test_an_upload_is_ended(http: httpx.Client, gateway) -> None:
    place = begun(http, 10)
    assert http.delete(place, headers=TUS).status_code == 204
    refused(part(http, place, 0, b"x"), 404, "UPLOAD_NOT_FOUND")
    assert http.head(f"{PATH}/..%2f..%2fkeys", headers=TUS).status_code == 404
    assert "Traceback" not in gateway.log.read_text(encoding="utf-8")


async def test_what_got_nothing_for_a_day_is_removed(tmp_path) -> None:
    unfinished = UnfinishedUploads(1000, 1)
    unfinished.open(MediaStore(tmp_path))
    old, young = "a" * 32, "b" * 32
    for uid in (old, young):
        await unfinished.create(uid)
        await unfinished.write_info(uid, {"size": 5})
    for path in (tmp_path / "uploads").glob(f"{old}*"):
        os.utime(path, (0, time.time() - 90_000))
    unfinished.collect()
    assert await unfinished.list_uids() == [young]
    assert not list((tmp_path / "uploads").glob(f"{old}*"))


async def test_the_room_of_those_that_are_under_way_is_taken(tmp_path, monkeypatch) -> None:
    unfinished, store = UnfinishedUploads(1000, 1), MediaStore(tmp_path)
    unfinished.open(store)
    await unfinished.create("a" * 32)
    (tmp_path / "uploads" / f"{'a' * 32}.json").write_text(json.dumps({"size": 300}))
    asked: list[int] = []
    monkeypatch.setattr(store, "require", asked.append)
    await unfinished.admit({}, {"size": 200})
    assert asked == [500]


@pytest.mark.parametrize("verb", ["HEAD", "PATCH", "DELETE"])
def test_an_upload_that_is_none_is_told(http: httpx.Client, verb: str) -> None:
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Content-Length": "0"}
    assert http.request(verb, f"{PATH}/{'0' * 32}", headers=headers).status_code == 404

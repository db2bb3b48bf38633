"""Requests that are refused before any work, and what every error looks like."""

import json
import re

import pytest

from gateway.library.assets import ASSET_TYPES
from tests.support.mesh import ROOT

AGREED, GIVEN = {"person": "Anna", "statement": "Yes."}, "consent.given_time"
JOB = {"script": "Hello.", "footage": "0" * 64}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]", "localhost.evil", "a:b:c"])
def test_foreign_hosts_get_nothing(http, host):
    """DNS rebinding: a foreign name that resolves to this machine."""
    for path in ("/api/v1/footage", "/docs", "/openapi.json", "/assets/fonts/fonts.json"):
        response = http.get(path, headers={"Host": host})
        assert response.status_code in {400, 403}
        assert "Vigent" not in response.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"])
def test_loopback_names_are_welcome(http, host):
    assert http.get("/api/v1/services", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://[::1", "null", "http://", "//", b"\xff"])
def test_odd_origins_get_nothing(http, origin):
    response = http.get("/api/v1/jobs", headers={"Origin": origin})
    assert (response.status_code, response.json()["reason"]) == (403, "FOREIGN_ORIGIN")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_pages_of_other_origins_get_nothing(http, method):
    response = http.request(method, "/api/v1/jobs", headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert response.json()["reason"] == "FOREIGN_ORIGIN"
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_own_pages_are_welcome(http):
    host = http.base_url.netloc.decode()
    assert http.get("/api/v1/footage", headers={"Origin": f"http://{host}"}).status_code == 200


def test_machines_may_ask_by_any_address(http):
    """Kubelet and Prometheus come by pod address."""
    for path in ("/livez", "/readyz", "/metrics", "/probe/tts"):
        assert http.get(path, headers={"Host": "10.1.2.3:8080"}).status_code != 403


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ("{", "NO_JSON", "body"),
        ("[]", "INVALID_INPUT", "body"),
        (json.dumps({"footage": "x"}), "MISSING", "script"),
        (json.dumps({**JOB, "scrpt": 1}), "UNKNOWN_FIELD", "scrpt"),
        (json.dumps({**JOB, "script": 5}), "INVALID_INPUT", "script"),
        (json.dumps({**JOB, "speed": "fast"}), "INVALID_INPUT", "speed"),
        (json.dumps({**JOB, "speed": 0}), "INVALID_INPUT", "speed"),
        (json.dumps({**JOB, "width": 2**40}), "INVALID_INPUT", "width"),
        (json.dumps({**JOB, "width": 0}), "INVALID_INPUT", "width"),
        (json.dumps({**JOB, "seed": -1}), "INVALID_INPUT", "seed"),
        (json.dumps({**JOB, "quality": "perfect"}), "INVALID_INPUT", "quality"),
        (json.dumps({**JOB, "focus": "0.3"}), "INVALID_INPUT", "focus"),
        (json.dumps({**JOB, "focus": "0.3,1.2"}), "INVALID_INPUT", "focus"),
        (json.dumps({**JOB, "script": "half \ud800 a pair"}), "INVALID_INPUT", "script"),
        (json.dumps({**JOB, "consent": {"person": "A"}}), "MISSING", "consent.statement"),
        (json.dumps({**JOB, "consent": {"person": " ", "statement": "s"}}), "INVALID_INPUT", "consent.person"),
        (json.dumps({**JOB, "consent": {**AGREED, "given_time": "0001-01-01T00:00+14:00"}}), "INVALID_INPUT", GIVEN),
        (json.dumps({**JOB, "consent": {**AGREED, "given_time": "9999-12-31T23:00-14:00"}}), "INVALID_INPUT", GIVEN),
        (b'{"script": "half a letter \xff"}', "NO_JSON", "body"),
        ("[" * 10_000, "NO_JSON", "body"),
        ('{"seed": ' + "9" * 10_000 + "}", "NO_JSON", "body"),
        (json.dumps(JOB), "UNKNOWN_FOOTAGE", "footage"),
        (json.dumps({**JOB, "footage": "../../etc/passwd"}), "UNKNOWN_FOOTAGE", "footage"),
        (json.dumps({**JOB, "footage": "a\0b"}), "UNKNOWN_FOOTAGE", "footage"),
    ],
)
def test_bad_jobs_are_problems_that_name_the_field(http, body, reason, field):
    response = http.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert (found["reason"], found["field"]) == (reason, field), found
    assert found["problem"]
    assert "Value error" not in found["problem"]  # pydantic's own prefix
    assert found["remedy"]
    assert found["instance"] == "/api/v1/jobs"


def test_a_form_is_no_job(http):
    """The body that a foreign page could send without asking."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        headers = {"Content-Type": kind} if kind else {}
        response = http.post("/api/v1/jobs", content=json.dumps(JOB), headers=headers)
        assert response.status_code == 415, kind


def test_bodies_are_capped_announced_or_not(http):
    def unannounced():
        for _ in range(3):
            yield b" " * 500_000

    for body in (b" " * 1_500_000, unannounced()):
        response = http.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 413
        assert response.json()["reason"] == "BODY_TOO_LARGE"


def test_the_frameworks_own_errors_are_problems_too(http):
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/api/v1/jobs", 405)):
        response = http.request(method, path)
        assert (response.status_code, response.json()["status"]) == (status, status)
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/jobs", "GET, POST"),
        ("/api/v1/jobs/x", "GET, DELETE"),
        ("/api/v1/jobs/x/cancel", "GET, HEAD, POST"),  # read, it is an output that no job has
        ("/api/v1/jobs/x/film.mp4", "GET, HEAD"),
        ("/api/v1/footage", "GET, POST"),
    ],
)
def test_a_method_that_is_not_taken_is_told_which_are(http, path, allowed):
    response = http.patch(path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert allowed in response.json()["remedy"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "jason", "text/json; x=1", None])
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/v1/audio/speech"])
def test_a_body_that_is_not_announced_as_json_is_said_to_be(http, path, kind):
    response = http.post(path, content=json.dumps(JOB), headers={} if kind is None else {"Content-Type": kind})
    assert (response.status_code, response.json()["reason"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.json()["field"] == "Content-Type"
    assert kind is None or kind in response.json()["problem"]
    assert response.headers["accept"] == "application/json"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/Patch+JSON"])
def test_a_body_that_is_announced_as_json_is_read(http, kind):
    response = http.post("/api/v1/jobs", content="[]", headers={"Content-Type": kind})
    assert (response.status_code, response.json()["field"]) == (422, "body")


def test_a_missing_orchestrator_is_said_with_its_address_and_a_remedy(http):
    response = http.get("/api/v1/jobs")
    assert response.status_code == 503
    assert "127.0.0.1:1" in response.json()["problem"]
    assert "vigent up" in response.json()["remedy"]


def test_no_error_leaks_internals(http):
    for response in (http.get("/api/v1/jobs"), http.get("/probe/x"), http.post("/api/v1/footage")):
        assert not re.search(rf"Traceback|File \"|{ROOT}|site-packages", response.text)


def test_docs_need_no_network(http):
    page = http.get("/", follow_redirects=True).text
    assert not re.findall(r"https?://(?!127\.0\.0\.1)[^\"' ]+", page)
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert http.get(path).status_code == 200, path


def test_openapi_tells_examples_and_errors(http):
    told = http.get("/openapi.json").text
    api = json.loads(told)
    submit = api["paths"]["/api/v1/jobs"]["post"]
    assert api["components"]["schemas"]["FilmRequest"]["examples"]
    assert submit["responses"]["422"]["content"]["application/problem+json"]
    assert {f"/api/v1/{kind}" for kind in ASSET_TYPES} <= set(api["paths"])
    schemas = api["components"]["schemas"]
    assert "HTTPValidationError" not in schemas  # errors are problems, all of them
    fields = {f"{name}.{key}": value for name in schemas for key, value in schemas[name].get("properties", {}).items()}
    assert not [name for name, value in fields.items() if "description" not in value]
    references = {found.removeprefix("#/components/schemas/") for found in re.findall(r'"\$ref": *"([^"]+)"', told)}
    assert references == set(schemas) & references
    output = api["paths"]["/api/v1/jobs/{job_id}/{output}"]["get"]["responses"]["200"]["content"]
    assert {"video/mp4", "text/vtt", "image/jpeg"} < set(output)
    assert set(api["paths"]["/api/v1/jobs/{job_id}/preview"]["get"]["responses"]["200"]["content"]) == {"video/mp4"}
    form = api["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["timestamp_granularities[]"]["items"]["enum"] == ["word", "segment"]
    operations = [operation["operationId"] for path in api["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations))

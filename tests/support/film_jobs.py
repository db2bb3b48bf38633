"""Jobs of a gateway over HTTP."""

import json
from collections.abc import Iterator

import httpx

SCRIPT = "大家好，我是主持人。It speaks English, too. 今天的进度是 95%！"
LONG = "".join(f"这是第{n}句话，我们慢慢地说。" for n in range(1, 31))  # never spoken to its end
TITLE = "你好 / Vigent"
SIZE = {"width": 270, "height": 480}


def submitted(client: httpx.Client, footage: str, script: str = LONG, **fields) -> dict:
    """The job, just taken."""
    response = client.post("/api/v1/jobs", json={"script": script, "footage": footage, **SIZE, **fields})
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/api/v1/jobs/{response.json()['id']}"
    return response.json()


def events(client: httpx.Client, job_id: str, last_id: str = "") -> Iterator[dict]:
    """The job's server-sent events as they come: id, name, data; comments are named "comment"."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with client.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as response:
        if response.status_code == 204:
            return
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict = {}
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "":
                if line.startswith(":"):
                    yield {"name": "comment", "data": value}
                elif "data" in event:
                    yield {"name": event.get("event", "message"), "id": event.get("id"), **json.loads(event["data"])}
                event = {}
            elif field != "retry":
                event[field] = value

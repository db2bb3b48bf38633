"""A film that a whole mesh has made."""

import httpx
import pytest

from tests.support.film_jobs import SCRIPT, TITLE, events, submitted
from tests.support.films import face_picture


@pytest.fixture(scope="package")
def footage(film_gateway) -> str:
    """Id of a photograph in the library."""
    files = {"file": ("face.png", face_picture())}
    url = f"http://{film_gateway.address}/api/v1/footage"
    return httpx.post(url, files=files, timeout=200, trust_env=False).json()["id"]


@pytest.fixture(scope="module")
def film(film_gateway, footage) -> dict:
    """A finished job that no other file publishes; its pieces are made once."""
    with httpx.Client(base_url=f"http://{film_gateway.address}", timeout=200, trust_env=False) as client:
        job = submitted(client, footage, script=SCRIPT, title=TITLE)
        assert list(events(client, job["id"]))[-1]["name"] == "end"
        done = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert done["state"] == "done", done
    return done

"""Connectors against platforms of the tests: whatever happens on the way, one film arrives, or it is said why not."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from gateway.outside import outside_client
from gateway.publishing.connectors.accounts import Accounts
from gateway.publishing.connectors.delivery import Delivery, NewDelivery, delivery_view
from gateway.publishing.connectors.provider import Client, Plan, Progress, Provider
from gateway.publishing.connectors.records import ConnectorRecords
from gateway.publishing.connectors.sending import Sending, again, cancelled
from gateway.publishing.connectors.tiktok import TikTok, parts
from gateway.publishing.connectors.vault import Vault
from gateway.publishing.connectors.youtube import YouTube
from gateway.publishing.texts import Texts
from services.base.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InternalError,
    NotFoundError,
    UnauthenticatedError,
)
from tests.support.commands import until
from tests.support.platforms import Platforms, run_platforms

SIZE = 21_000_000  # three parts for YouTube, two for TikTok
BOTH = ("youtube", "tiktok")
TEXTS = Texts(title="A film", description="Of the tests.", tags=["tests"])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    path.write_bytes(random.Random(7).randbytes(SIZE))
    return path


@pytest.fixture
def platforms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platforms]:
    monkeypatch.setenv("NO_PROXY", "*")
    with run_platforms() as platforms:
        yield platforms


@dataclass
class Desk:
    """A process's part in sending."""

    platforms: Platforms
    records: ConnectorRecords
    accounts: Accounts
    sending: Sending
    http: httpx.AsyncClient
    posts: list[str] = field(default_factory=list)

    async def connect(self, platform: str, owner: str = "") -> None:
        """As a browser does."""
        url = self.accounts.begin(owner, platform, "http://127.0.0.1:1/connect")
        back = httpx.URL((await self.http.get(url)).headers["location"])
        await self.accounts.finish(owner, platform, back.params["state"], back.params["code"])

    async def deliver(self, platform: str, key: str = "", due: datetime | None = None, **asked: object) -> Delivery:
        now = datetime.now(UTC)
        new = NewDelivery(platform=platform, **asked)
        named = {"id": f"d-{random.random()}", "job_id": "job-1", "owner": "", "idempotency_key": key}
        delivery = Delivery(**named, asked=new, create_time=now, due=due or now)
        kept = await asyncio.to_thread(self.records.add, delivery)
        self.sending.wake()
        return kept

    async def becomes(self, delivery: Delivery, *states: str) -> Delivery:
        def there() -> bool:
            return self.records.get(delivery.id, "").state in states

        assert await asyncio.to_thread(until, there), self.records.get(delivery.id, "")
        return self.records.get(delivery.id, "")

    async def errs(self, delivery: Delivery, reason: str) -> Delivery:
        def there() -> bool:
            error = self.records.get(delivery.id, "").error
            return error is not None and error.reason == reason

        assert await asyncio.to_thread(until, there), self.records.get(delivery.id, "")
        return self.records.get(delivery.id, "")


@asynccontextmanager
async def desk(root: Path, platforms: Platforms, film: Path) -> AsyncIterator[Desk]:
    client = Client("the-client", "the-client-secret", platforms.url)
    records = ConnectorRecords(root)
    posts: list[str] = []

    async def plan(delivery: Delivery, _provider: Provider) -> Plan:
        time = delivery.asked.publish_time if delivery.asked.publish_at else None
        return Plan(film, SIZE, TEXTS, delivery.asked.visibility, ai_made=delivery.asked.ai_made, publish_time=time)

    async def posted(delivery: Delivery) -> None:
        posts.append(delivery.url)

    async with outside_client(20.0) as http:
        accounts = Accounts({"youtube": YouTube(client), "tiktok": TikTok(client)}, records, http)
        sending = Sending(records, accounts, http, plan, posted, at_once=2, pause_s=0.05)
        running = asyncio.create_task(sending.run(root / "lock"))
        try:
            yield Desk(platforms, records, accounts, sending, http, posts)
        finally:
            running.cancel()
            await asyncio.wait({running})


@pytest.fixture
async def here(tmp_path: Path, platforms: Platforms, film: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path / "connectors", platforms, film) as here:
        for platform in BOTH:
            await here.connect(platform)
        yield here


def arrived(platforms: Platforms, film: Path, number: int = -1) -> bool:
    return hashlib.sha256(platforms.films[number].content).digest() == hashlib.sha256(film.read_bytes()).digest()


@pytest.mark.parametrize("platform", BOTH)
async def test_a_film_arrives(here: Desk, film: Path, platform: str) -> None:
    done = await here.becomes(await here.deliver(platform, visibility="unlisted"), "done", "failed")
    assert (done.state, done.error, arrived(here.platforms, film)) == ("done", None, True)
    told = here.platforms.films[0].told
    if platform == "youtube":
        assert told["status"] == {
            "privacyStatus": "unlisted",
            "containsSyntheticMedia": True,
            "selfDeclaredMadeForKids": False,
        }
        assert told["snippet"] == {
            "title": "A film",
            "description": "Of the tests.",
            "tags": ["tests"],
            "categoryId": "22",
        }
        assert here.posts == [done.url] == ["https://youtu.be/video-0"]
    else:
        sizes = {"video_size": SIZE, "chunk_size": 10_000_000, "total_chunk_count": 2}
        assert told["source_info"] == {"source": "FILE_UPLOAD", **sizes}
        assert here.posts == []  # it is a draft: its owner posts it


async def test_what_is_made_by_ai_is_declared_unless_its_maker_says_otherwise(here: Desk) -> None:
    await here.becomes(await here.deliver("youtube", ai_made=False), "done", "failed")
    assert here.platforms.films[0].told["status"]["containsSyntheticMedia"] is False


@pytest.mark.parametrize("platform", BOTH)
@pytest.mark.parametrize("troubles", [[503, None, 500], ["cut", None, "cut"], [None, 503]])
async def test_parts_that_fail_are_sent_again(here: Desk, film: Path, platform: str, troubles: list) -> None:
    here.platforms.troubles["part"] = troubles
    done = await here.becomes(await here.deliver(platform), "done", "failed")
    assert (done.state, len(here.platforms.films), arrived(here.platforms, film)) == ("done", 1, True)


async def test_a_part_that_was_half_taken_goes_on_there(here: Desk, film: Path) -> None:
    here.platforms.troubles["part"] = ["half", "half"]
    done = await here.becomes(await here.deliver("youtube"), "done", "failed")
    assert (done.state, arrived(here.platforms, film)) == ("done", True)


@pytest.mark.parametrize("platform", BOTH)
async def test_an_address_that_has_expired_is_asked_for_anew(here: Desk, film: Path, platform: str) -> None:
    here.platforms.troubles["part"] = [None, 404]
    done = await here.becomes(await here.deliver(platform), "done", "failed")
    assert (done.state, len(here.platforms.films), arrived(here.platforms, film)) == ("done", 2, True)


@pytest.mark.parametrize("platform", BOTH)
async def test_tokens_that_have_ended_are_renewed(here: Desk, film: Path, platform: str) -> None:
    here.platforms.valid.clear()
    done = await here.becomes(await here.deliver(platform), "done", "failed")
    assert (done.state, arrived(here.platforms, film)) == ("done", True)


@pytest.mark.parametrize("platform", BOTH)
async def test_whoever_no_longer_agrees_is_asked_again(here: Desk, film: Path, platform: str) -> None:
    here.platforms.valid.clear()
    here.platforms.troubles["refresh"] = [400]
    failed = await here.becomes(await here.deliver(platform), "done", "failed")
    assert (failed.state, failed.error.reason) == ("failed", "SIGN_IN_AGAIN")
    await here.connect(platform)
    here.records.update(again(failed), unless_ended=False)
    here.sending.wake()
    assert (await here.becomes(failed, "done")).error is None
    assert arrived(here.platforms, film)


@pytest.mark.parametrize("reason", ["SIGN_IN_AGAIN", "PLATFORM_REFUSES"])
async def test_what_is_there_whole_is_not_sent_again_whatever_comes_then(here: Desk, reason: str) -> None:
    here.platforms.troubles["status"] = [{"uploadStatus": "uploaded"}]
    delivery = await here.deliver("youtube")
    await here.becomes(delivery, "processing")
    if reason == "SIGN_IN_AGAIN":
        here.platforms.troubles["refresh"] = [400]
        here.platforms.valid.clear()
    else:
        here.platforms.troubles["look"] = [(403, "insufficientPermissions")]
    failed = await here.becomes(delivery, "failed")
    assert failed.error.reason == reason
    here.platforms.troubles["status"] = [None]
    await here.connect("youtube")
    here.records.update(again(failed), unless_ended=False)
    here.sending.wake()
    await here.becomes(delivery, "done")
    assert len(here.platforms.films) == 1


@pytest.mark.parametrize(
    ("platform", "trouble"),
    [("youtube", (403, "quotaExceeded")), ("tiktok", (403, "spam_risk_too_many_pending_share"))],
)
async def test_a_quota_is_waited_for(here: Desk, platform: str, trouble: tuple[int, str]) -> None:
    here.platforms.troubles["begin"] = [trouble]
    waiting = await here.errs(await here.deliver(platform), "QUOTA")
    assert waiting.state == "waiting"
    assert waiting.due - datetime.now(UTC) > timedelta(minutes=50)
    assert here.platforms.films == []


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        ("youtube", {"uploadStatus": "rejected", "rejectionReason": "copyright"}),
        ("youtube", {"uploadStatus": "failed", "failureReason": "codec"}),
        ("tiktok", {"status": "FAILED", "fail_reason": "picture_size_check_failed"}),
    ],
)
async def test_a_film_that_is_rejected_says_why_and_can_be_sent_anew(
    here: Desk, film: Path, platform: str, told: dict[str, str]
) -> None:
    here.platforms.troubles["status"] = [told]
    failed = await here.becomes(await here.deliver(platform), "done", "failed")
    assert (failed.state, failed.error.reason) == ("failed", "REJECTED")
    assert list(told.values())[1] in failed.error.problem
    here.platforms.troubles.clear()
    here.records.update(again(failed), unless_ended=False)
    here.sending.wake()
    await here.becomes(failed, "done")
    assert (len(here.platforms.films), arrived(here.platforms, film)) == (2, True)


@pytest.mark.parametrize(
    ("platform", "pending"), [("youtube", {"uploadStatus": "uploaded"}), ("tiktok", {"status": "PROCESSING_UPLOAD"})]
)
async def test_moderation_is_waited_for(here: Desk, platform: str, pending: dict[str, str]) -> None:
    here.platforms.troubles["status"] = [pending, pending, pending, None]
    done = await here.becomes(await here.deliver(platform), "done", "failed")
    assert (done.state, len(here.platforms.films)) == ("done", 1)


async def test_youtube_keeps_the_time_itself(here: Desk) -> None:
    asked = {"publish_at": datetime(2099, 7, 1, 18, 0), "time_zone": "Asia/Shanghai"}  # noqa: DTZ001  # local to the zone
    await here.becomes(await here.deliver("youtube", visibility="public", **asked), "done")
    status = here.platforms.films[0].told["status"]
    assert (status["privacyStatus"], status["publishAt"]) == ("private", "2099-07-01T10:00:00Z")


async def test_what_is_not_due_is_not_sent(here: Desk) -> None:
    later = await here.deliver("tiktok", due=datetime.now(UTC) + timedelta(days=1))
    await here.becomes(await here.deliver("youtube"), "done")
    assert here.records.get(later.id, "").state == "waiting"
    assert len(here.platforms.films) == 1


@pytest.mark.parametrize("platform", BOTH)
async def test_another_process_goes_on_where_one_was_killed(
    tmp_path: Path, platforms: Platforms, film: Path, platform: str
) -> None:
    root = tmp_path / "connectors"
    async with desk(root, platforms, film) as first:
        await first.connect(platform)
        platforms.troubles["part"] = [None, "cut"]  # the second part is there, and nobody was told
        delivery = await first.deliver(platform)
        await first.errs(delivery, "PLATFORM_AWAY")
    async with desk(root, platforms, film) as second:
        done = await second.becomes(delivery, "done", "failed")
    assert (done.state, len(platforms.films), arrived(platforms, film)) == ("done", 1, True)
    assert platforms.received_bytes <= SIZE + 11_000_000  # at most the part that nobody was told of came twice


@pytest.mark.parametrize("platform", BOTH)
async def test_what_is_cancelled_stops_and_can_go_on(here: Desk, film: Path, platform: str) -> None:
    here.platforms.hold = threading.Event()
    delivery = await here.deliver(platform)
    assert await asyncio.to_thread(here.platforms.held.wait, 60)
    sending = here.records.get(delivery.id, "")
    ended = cancelled(sending)
    assert here.records.update(ended)
    await here.sending.stop(ended)
    here.platforms.hold.set()
    assert (await here.becomes(delivery, "cancelled")).url == ""
    here.records.update(again(ended), unless_ended=False)
    here.sending.wake()
    assert (await here.becomes(delivery, "done", "failed")).state == "done"
    assert arrived(here.platforms, film)
    with pytest.raises(FailedPreconditionError):
        cancelled(here.records.get(delivery.id, ""))


async def test_the_same_key_is_the_same_delivery(here: Desk) -> None:
    first = await here.deliver("youtube", key="once")
    assert (await here.deliver("youtube", key="once")).id == first.id
    with pytest.raises(AlreadyExistsError):
        await here.deliver("tiktok", key="once")
    await here.becomes(first, "done")
    assert (await here.deliver("youtube", key="once")).state == "done"
    assert len(here.platforms.films) == 1


async def test_of_two_processes_one_sends(tmp_path: Path, platforms: Platforms, film: Path) -> None:
    root = tmp_path / "connectors"
    async with desk(root, platforms, film) as one, desk(root, platforms, film) as other:
        await one.connect("youtube")
        delivery = await other.deliver("youtube")  # whose own loop waits for the lock
        one.sending.wake()
        await other.becomes(delivery, "done")
    assert len(platforms.films) == 1


async def test_nothing_secret_can_be_read(here: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    here.platforms.troubles["part"] = [None, 503]
    delivery = await here.deliver("youtube")
    await here.becomes(delivery, "done")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "connectors").glob("connectors.db*"))
    secrets = [*here.platforms.given, "refresh-of-the-platform", "/session/0", "the-client-secret"]
    shown = (
        f"{here.records.get(delivery.id, '')!r}{delivery_view(delivery)}{here.accounts.providers['youtube'].client!r}"
    )
    client = repr(here.accounts.providers["youtube"].client)
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in shown + client
        assert not [record for record in caplog.records if secret in record.getMessage()]
    assert (tmp_path / "connectors" / "key").stat().st_mode & 0o777 == 0o600


async def test_nobody_elses_sign_in_is_finished(here: Desk) -> None:
    url = here.accounts.begin("anna", "youtube", "http://127.0.0.1:1/connect")
    back = httpx.URL((await here.http.get(url)).headers["location"]).params
    for owner, state in (("berta", back["state"]), ("anna", "made up"), ("anna", back["state"])):
        with pytest.raises(FailedPreconditionError):  # the last: what somebody else has tried is used up
            await here.accounts.finish(owner, "youtube", state, back["code"])
    await here.connect("youtube", "anna")
    with pytest.raises(UnauthenticatedError):
        await here.accounts.access("berta", "youtube")
    await here.accounts.disconnect("anna", "youtube")
    assert here.platforms.seen["POST", "/revoke"] == 1
    with pytest.raises(UnauthenticatedError):
        await here.accounts.access("anna", "youtube")


async def test_a_code_without_its_verifier_is_worth_nothing(here: Desk) -> None:
    url = here.accounts.begin("", "youtube", "http://127.0.0.1:1/connect")
    back = httpx.URL((await here.http.get(url)).headers["location"]).params
    here.platforms.challenges[back["code"]] = "another"
    with pytest.raises(UnauthenticatedError):
        await here.accounts.finish("", "youtube", back["state"], back["code"])


def test_nobody_else_may_read_the_key_and_another_is_refused(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "key")
    locked = vault.locked("a secret")
    assert Vault(tmp_path / "key").opened(locked) == "a secret"
    with pytest.raises(InternalError, match="was not encrypted with"):
        Vault(tmp_path / "other").opened(locked)
    (tmp_path / "key").chmod(0o640)
    assert Vault(tmp_path / "key").opened(locked) == "a secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(InternalError, match="holds no key"):
        Vault(tmp_path / "empty")


@pytest.mark.parametrize(
    ("asked", "utc"),
    [
        ({"publish_at": "2026-12-24T18:00", "time_zone": "Asia/Shanghai"}, "2026-12-24T10:00:00+00:00"),
        ({"publish_at": "2026-10-25T02:30", "time_zone": "Europe/Berlin"}, "2026-10-25T00:30:00+00:00"),  # comes twice
        ({"publish_at": "2026-03-29T02:30", "time_zone": "Europe/Berlin"}, "no such time"),
        ({"publish_at": "2026-03-29T02:30+08:00", "time_zone": "Europe/Berlin"}, "local to time_zone"),
        ({"publish_at": "2026-03-29T02:30", "time_zone": "Mars/Olympus"}, "Asia/Shanghai"),
        ({"publish_at": "2026-03-29T02:30", "time_zone": "../etc/passwd"}, "Asia/Shanghai"),
    ],
)
def test_times_are_local_to_their_zone(asked: dict[str, str], utc: str) -> None:
    if "T" in utc:
        assert NewDelivery(platform="youtube", **asked).publish_time.isoformat() == utc
    else:
        with pytest.raises(ValidationError, match=utc):
            NewDelivery(platform="youtube", **asked)


@pytest.mark.parametrize("size", [1, 4_999_999, 10_000_000, 19_999_999, 20_000_000, 1_234_567_890])
def test_parts_are_such_as_tiktok_takes(size: int) -> None:
    found = list(parts(size))
    assert [start for start, _ in found] == [sum(length for _, length in found[:n]) for n in range(len(found))]
    assert sum(length for _, length in found) == size
    assert all(5_000_000 <= length <= 64_000_000 for _, length in found[:-1])
    assert len(found) == max(1, size // found[0][1])  # as TikTok counts them
    assert found[-1][1] <= 128_000_000


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    records = ConnectorRecords(tmp_path)
    with pytest.raises(NotFoundError):
        records.get("delivery-x", "")
    assert (records.next_due_s(["d-1"]), records.due(3), Progress().session) == (None, [], "")
    assert (tmp_path / "connectors.db").stat().st_mode & 0o077 == 0

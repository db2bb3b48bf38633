import hashlib
import random
import resource

import pytest
import tenacity

from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError, UnavailableError
from services.enginekit import checkpoint_pull
from services.enginekit.checkpoint_pull import pull
from services.enginekit.checkpoints import CheckpointFile, Manifest, read_manifest, verify
from tests.support.hub import run_hub

CONFIG, WEIGHTS = b'{"a": 1}', random.Random(1).randbytes(300_000)
PREFIX = "/Maker/Model/resolve/v1/"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(checkpoint_pull.tenacity, "wait_exponential_jitter", lambda **_: tenacity.wait_none())
    with run_hub() as hub:
        hub.files = {f"{PREFIX}config.json": CONFIG, f"{PREFIX}sub/model.bin": WEIGHTS}
        yield hub


def manifest(**weights) -> Manifest:
    files = (CheckpointFile(path="config.json"), CheckpointFile(**({"path": "sub/model.bin"} | weights)))
    return Manifest(name="tiny", engine="test", licence="MIT", source="Maker/Model", revision="v1", files=files)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def asked(hub, path="sub/model.bin") -> list[str]:
    return [range_ for requested, range_ in hub.requests if requested == PREFIX + path]


def test_pulls_and_records_what_was_not_known(hub, tmp_path):
    seen: list[tuple[str, int, int]] = []
    pinned = pull(manifest(), tmp_path / "m", hub.url, lambda *progress: seen.append(progress))
    assert pinned.pinned
    assert read_manifest(tmp_path / "m/manifest.json") == pinned
    assert (tmp_path / "m/sub/model.bin").read_bytes() == WEIGHTS
    assert pinned.files[1] == CheckpointFile(path="sub/model.bin", size_bytes=len(WEIGHTS), sha256=sha256(WEIGHTS))
    verify(tmp_path / "m", pinned)
    assert seen[-1] == ("sub/model.bin", len(WEIGHTS), len(WEIGHTS))
    left = {path.name for path in (tmp_path / "m").rglob("*") if path.is_file()}
    assert left == {"config.json", "model.bin", "manifest.json", ".pull.lock"}


def test_goes_on_where_the_connection_broke(hub, tmp_path):
    hub.breaks, hub.break_after = 3, 100_000
    del hub.files[f"{PREFIX}config.json"]
    only = manifest().model_copy(update={"files": manifest().files[1:]})
    pull(only, tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS
    assert asked(hub) == ["", "bytes=100000-", "bytes=200000-"]


def test_a_connection_that_breaks_often_but_brings_something_is_used_to_the_end(hub, tmp_path):
    hub.breaks, hub.break_after = 99, 20_000
    pull(manifest(), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS
    assert len(asked(hub)) == 15


def test_goes_on_in_another_run(hub, tmp_path):
    hub.reach = 100_000
    with pytest.raises(UnavailableError, match="cannot be downloaded") as stopped:
        pull(manifest(), tmp_path, hub.url)
    assert "goes on" in stopped.value.remedy
    assert not (tmp_path / "sub/model.bin").exists()
    assert not (tmp_path / "manifest.json").exists()
    hub.reach = 0
    hub.requests.clear()
    pull(manifest(), tmp_path, hub.url)
    assert asked(hub) == ["bytes=100000-"]
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS


def test_files_that_an_interrupted_pull_finished_are_not_fetched_again(hub, tmp_path):
    del hub.files[f"{PREFIX}sub/model.bin"]
    with pytest.raises(NotFoundError):
        pull(manifest(), tmp_path, hub.url)
    hub.files[f"{PREFIX}sub/model.bin"] = WEIGHTS
    pulled = pull(manifest(), tmp_path, hub.url)
    assert asked(hub, "config.json") == [""]
    assert read_manifest(tmp_path / "manifest.json") == pulled
    assert not list(tmp_path.rglob("*.part*"))


def test_a_file_whose_hash_alone_is_published_is_not_fetched_again(hub, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/model.bin").write_bytes(WEIGHTS)
    pull(manifest(sha256=sha256(WEIGHTS)), tmp_path, hub.url)
    assert asked(hub) == []


@pytest.mark.parametrize("known", [{}, {"sha256": sha256(WEIGHTS)}])
def test_a_file_that_no_pull_has_put_there_is_not_replaced(hub, tmp_path, known):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/model.bin").write_bytes(b"trained by myself")
    for _ in range(2):
        with pytest.raises(FailedPreconditionError, match=r"model\.bin") as refused:
            pull(manifest(**known), tmp_path, hub.url)
        assert refused.value.reason == "CHECKPOINT_NOT_PULLED"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "sub/model.bin"]
    assert (tmp_path / "sub/model.bin").read_bytes() == b"trained by myself"
    assert hub.requests == []


def test_an_answer_that_goes_on_elsewhere_is_not_mixed(hub, tmp_path):
    hub.breaks, hub.break_after, hub.shift = 2, 100_000, 7
    pull(manifest(), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS


def test_a_file_that_changed_meanwhile_is_not_mixed(hub, tmp_path):
    hub.reach = 100_000
    with pytest.raises(UnavailableError):
        pull(manifest(), tmp_path, hub.url)
    hub.reach = 0
    other = hub.files[f"{PREFIX}sub/model.bin"] = WEIGHTS[::-1]
    pull(manifest(), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == other


def test_without_an_etag_it_begins_again(hub, tmp_path):
    hub.etags = False
    hub.breaks, hub.break_after = 1, 20_000
    only = manifest().model_copy(update={"files": manifest().files[1:]})
    pull(only, tmp_path, hub.url)
    assert asked(hub) == ["", ""]
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS


def test_a_part_that_is_too_long_is_thrown_away(hub, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/model.bin.part").write_bytes(WEIGHTS + b"more")
    (tmp_path / "sub/model.bin.part.etag").write_text(f'"{sha256(WEIGHTS)}"', encoding="utf-8")
    pull(manifest(), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS


def test_a_part_that_is_whole_is_only_renamed(hub, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/model.bin.part").write_bytes(WEIGHTS)
    (tmp_path / "sub/model.bin.part.etag").write_text(f'"{sha256(WEIGHTS)}"', encoding="utf-8")
    pull(manifest(), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS
    assert asked(hub) == [f"bytes={len(WEIGHTS)}-"]


def test_what_is_there_is_not_loaded_again(hub, tmp_path):
    first = pull(manifest(), tmp_path, hub.url)
    hub.requests.clear()
    assert pull(manifest(), tmp_path, hub.url) == first
    assert hub.requests == []
    (tmp_path / "sub/model.bin").write_bytes(WEIGHTS[:-1] + b"x")
    pull(manifest(), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS
    assert asked(hub, "config.json") == []


def test_a_wrong_hash_is_refused_and_leaves_nothing(hub, tmp_path):
    with pytest.raises(FailedPreconditionError) as refused:
        pull(manifest(sha256=sha256(b"other")), tmp_path, hub.url)
    assert refused.value.reason == "CHECKPOINT_CORRUPT"
    assert not list((tmp_path / "sub").glob("model*"))
    pull(manifest(sha256=sha256(WEIGHTS)), tmp_path, hub.url)


def test_a_recorded_hash_holds_against_a_file_that_was_replaced_on_the_hub(hub, tmp_path):
    pull(manifest(), tmp_path, hub.url)
    (tmp_path / "sub/model.bin").unlink()
    hub.files[f"{PREFIX}sub/model.bin"] = WEIGHTS[::-1]
    with pytest.raises(FailedPreconditionError) as refused:
        pull(manifest(), tmp_path, hub.url)
    assert refused.value.reason == "CHECKPOINT_CORRUPT"


def test_files_of_other_repositories(hub, tmp_path):
    hub.files["/Other/Vae/resolve/main/net.bin"] = WEIGHTS
    pull(manifest(source="Other/Vae", remote_path="net.bin"), tmp_path, hub.url)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS


def test_the_token_is_sent(hub, tmp_path):
    pull(manifest(), tmp_path, hub.url, token="secret")
    assert hub.authorization == {"Bearer secret"}


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (404, NotFoundError, "NOT_FOUND"),
        (403, FailedPreconditionError, "CHECKPOINT_FORBIDDEN"),
        (401, FailedPreconditionError, "CHECKPOINT_FORBIDDEN"),
        (503, UnavailableError, "UNAVAILABLE"),
        (429, UnavailableError, "UNAVAILABLE"),
        (416, UnavailableError, "UNAVAILABLE"),
        (302, UnavailableError, "UNAVAILABLE"),
    ],
)
def test_answers_of_the_hub(hub, tmp_path, status, error, reason):
    hub.status = status
    with pytest.raises(error) as refused:
        pull(manifest(), tmp_path, hub.url)
    assert refused.value.reason == reason
    assert refused.value.remedy
    assert str(status) in refused.value.problem or status in (404, 416)


def test_a_hub_that_leads_in_circles(hub, tmp_path):
    hub.location = hub.url + "/again"
    with pytest.raises(UnavailableError, match="redirects"):
        pull(manifest(), tmp_path, hub.url)


@pytest.mark.parametrize("address", ["huggingface.co", "ftp://hub", "", "http://", "http://[::1"])
def test_what_is_no_address(address, tmp_path):
    with pytest.raises(InvalidInputError) as refused:
        pull(manifest(), tmp_path, address)
    assert (refused.value.field, "https://" in refused.value.remedy) == ("hub_url", True)


def test_a_folder_that_takes_no_more(hub, tmp_path):
    """The kernel's limit of a file's size stands for a full disk: both are errors of the same write."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
    try:
        with pytest.raises(FailedPreconditionError, match="too large") as refused:
            pull(manifest(), tmp_path, hub.url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert refused.value.reason == "CHECKPOINT_UNWRITABLE"
    hub.requests.clear()
    pull(manifest(), tmp_path, hub.url)
    assert asked(hub) == ["bytes=100000-"]


def test_a_folder_that_cannot_be(hub, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FailedPreconditionError, match="cannot be written") as refused:
        pull(manifest(), tmp_path / "file" / "m", hub.url)
    assert refused.value.reason == "CHECKPOINT_UNWRITABLE"


def test_no_hub_at_all(hub, tmp_path):
    with pytest.raises(UnavailableError, match=r"ConnectError: .*refused"):
        pull(manifest(), tmp_path, "http://127.0.0.1:1")


def test_one_pull_at_a_time(hub, tmp_path):
    from services.enginekit.checkpoint_pull import _only_one

    tmp_path.mkdir(exist_ok=True)
    with _only_one(tmp_path), pytest.raises(FailedPreconditionError) as refused:
        pull(manifest(), tmp_path, hub.url)
    assert refused.value.reason == "CHECKPOINT_BUSY"


OUTSIDE = "http://hub.invalid"
PROXY_SETTINGS = ("HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture
def proxied(monkeypatch):
    """An environment that can be given a proxy, and has no other."""
    for name in PROXY_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return lambda proxy: monkeypatch.setenv("http_proxy", proxy)


def test_the_hub_is_reached_through_the_proxy_of_the_environment(hub, tmp_path, proxied):
    hub.files = {f"{OUTSIDE}{path}": content for path, content in hub.files.items()}  # a proxy is asked for whole URLs
    proxied(hub.url)
    pull(manifest(), tmp_path, OUTSIDE)
    assert (tmp_path / "sub/model.bin").read_bytes() == WEIGHTS
    assert {path for path, _ in hub.requests} == set(hub.files)


def test_a_proxy_that_is_away_is_named_without_its_password(hub, tmp_path, proxied):
    proxied("http://user:hunter2@127.0.0.1:1")
    with pytest.raises(UnavailableError, match=r"hub\.invalid.*through the proxy 127\.0\.0\.1:1\)") as refused:
        pull(manifest(), tmp_path, OUTSIDE)
    assert "hunter2" not in str(refused.value)


def test_a_proxy_of_an_unknown_kind_is_said(hub, tmp_path, proxied):
    proxied("gopher://127.0.0.1:1")
    with pytest.raises(InvalidInputError, match="http_proxy"):
        pull(manifest(), tmp_path, OUTSIDE)

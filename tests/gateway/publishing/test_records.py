"""What is kept of publishing."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.publishing.records import MOST_POSTS, Draft, NewPost, Records
from gateway.publishing.texts import Texts
from services.base.errors import ExhaustedError, InternalError, InvalidInputError, NotFoundError

POST = NewPost(platform="youtube", url="https://youtu.be/abc")


def test_nothing_is_kept_of_a_work_at_first(tmp_path):
    record = Records(tmp_path).read("job-1")
    assert (record.draft, record.posts) == (None, [])


def test_drafts_and_posts_outlive_the_process(tmp_path):
    draft = Draft(texts=Texts(title="A"), own={"tiktok": Texts(description="B")}, cover_frame=7)
    Records(tmp_path).draft("job-1", draft)
    Records(tmp_path).post("job-1", POST)
    record = Records(tmp_path).read("job-1")
    assert record.draft == draft
    assert [(post.platform, post.url) for post in record.posts] == [("youtube", POST.url)]
    assert record.draft.texts_for("tiktok").description == "B"
    assert record.draft.texts_for("douyin").title == "A"


def test_the_same_post_is_kept_once_and_can_be_forgotten(tmp_path):
    records = Records(tmp_path)
    for _ in range(2):
        record = records.post("job-1", POST)
    assert len(record.posts) == 1
    assert records.unpost("job-1", record.posts[0].id).posts == []
    with pytest.raises(NotFoundError):
        records.unpost("job-1", record.posts[0].id)


def test_posts_of_many_at_once_are_all_kept_up_to_the_limit(tmp_path):
    records = Records(tmp_path)
    posts = [POST.model_copy(update={"url": f"https://youtu.be/{number}"}) for number in range(MOST_POSTS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda post: records.post("job-1", post), posts))
    assert {post.url for post in records.read("job-1").posts} == {post.url for post in posts}
    with pytest.raises(ExhaustedError):
        records.post("job-1", POST)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "NO_URL"),
        ("youtu.be/abc", "NO_URL"),
        ("javascript:alert(1)//youtu.be", "NO_URL"),
        ("https://you tu.be/abc", "NO_URL"),
        ("https://[youtu.be/abc", "NO_URL"),
        ("https://youtube.com.example.org/abc", "WRONG_HOST"),
        ("https://notyoutube.com/abc", "WRONG_HOST"),
    ],
)
def test_what_is_no_address_of_the_platform_is_refused(tmp_path, url, reason):
    with pytest.raises(InvalidInputError) as caught:
        Records(tmp_path).post("job-1", NewPost(platform="youtube", url=url))
    assert (caught.value.field, caught.value.reason) == ("url", reason)
    assert not list(tmp_path.glob("*.json"))


def test_a_name_that_is_a_path_stays_in_the_folder(tmp_path):
    Records(tmp_path / "kept").draft("../../job", Draft())
    assert [path.parent.name for path in tmp_path.rglob("*.json")] == ["kept"]


def test_a_damaged_record_is_told_and_not_overwritten(tmp_path):
    (tmp_path / "job-1.json").write_text("{", encoding="utf-8")
    with pytest.raises(InternalError):
        Records(tmp_path).post("job-1", POST)
    assert (tmp_path / "job-1.json").read_text(encoding="utf-8") == "{"


def test_what_is_forgotten_is_gone(tmp_path):
    records = Records(tmp_path)
    records.draft("job-1", Draft(cover_frame=1))
    records.forget("job-1")
    records.forget("job-1")
    assert records.read("job-1").draft is None

from tests.bench import limits_qwen3


def test_the_tables_in_the_docs_are_true():
    document = limits_qwen3.DOCUMENT.read_text()
    written = document.split(limits_qwen3.BEGIN)[1].split(limits_qwen3.END)[0].strip()
    assert written == limits_qwen3.section()

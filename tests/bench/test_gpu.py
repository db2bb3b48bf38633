from tests.bench import gpu


def test_one_table_holds_what_the_benches_print(capsys):
    reports = {"Qwen3-TTS": gpu.printed(lambda: gpu.qwen3(toys=True))}
    assert reports["Qwen3-TTS"] == capsys.readouterr().out
    reports["LatentSync"] = "## 64, off (10 s)\n\n| mode | frames/s |\n|---|---|\n| draft | 44.0 |"
    lines = gpu.table(reports).splitlines()
    assert lines[-1] == "| LatentSync | 64, off, mode: draft | frames/s 44.0 |"
    (frame,) = (line for line in lines if "attention: sdpa" in line and "streams 2" in line)
    assert "ms a frame" in frame
    assert len([line for line in lines if "time to first audio" in line]) == 2

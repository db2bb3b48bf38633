"""How numbers and signs are said: the table beside this file, for every test of a voice."""

from pathlib import Path

READINGS = [
    tuple(line.split("\t")) for line in Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
]
"""Language, what is written, what is spoken."""

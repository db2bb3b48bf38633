"""Generates the Python stubs: `python protos/generate.py [OUTPUT]`, run by `make generate`.

Uses the oldest supported protobuf toolchain (grpcio-tools 1.81.1, protobuf 6 gencode), so that the output loads on
every newer runtime. Needs grpcio-tools and mypy-protobuf, which live in an environment of their own.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).parent


def generate(output: Path) -> None:
    """Replaces `output` by freshly generated stubs for every contract."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    sources = sorted(str(path) for path in (PROTOS / "vigent").rglob("*.proto"))
    well_known = Path(protoc.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"-I{PROTOS}",
        f"-I{well_known}",
        f"--python_out={output}",
        f"--grpc_python_out={output}",
        f"--mypy_out=quiet:{output}",
        f"--mypy_grpc_out=quiet,only_async:{output}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        sys.exit("protoc failed")
    (output / "vigent" / "py.typed").touch()


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS / "gen")

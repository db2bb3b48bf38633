"""The faults that docs/faults.md lists, in its order, and why some of them are not provoked by a test."""

from __future__ import annotations

ROWS = (
    "worker killed in a call",
    "server killed",
    "worker stopped (SIGSTOP)",
    "server or machine paused",
    "engine hangs: C code, an endless loop",
    "engine that works and never finishes anything",
    "C code keeps the interpreter to itself",
    "slow engine that advances",
    "call in line behind one that hangs",
    "decoder or encoder that stands still",
    "caller that reads slowly, or not at all",
    "caller that leaves",
    "half-open connection",
    "deadline over before the call begins",
    "deadline over in the middle",
    "deadline shorter than the estimate",
    "message over the limit",
    "malformed bytes, other protocols",
    "broken, cut or odd media",
    "decompression bomb",
    "decoder taken over by a file",
    "queue full",
    "retry storm",
    "the same job submitted twice",
    "chunks repeated, missing or out of order",
    "orchestrator killed in a job",
    "orchestrator gone for good",
    "orchestrator frozen while another attempt works on",
    "orchestrator replaced by another version in a job",
    "gateway killed",
    "database locked, slow or down",
    "database removed",
    "database written by somebody else",
    "disk full",
    "folder of the media store vanished or read-only",
    "object storage slow, failing or away",
    "a work is deleted",
    "a piece is removed while a job begins to use it",
    "everything is cleaned while a film is made",
    "crash while a file is written",
    "stored file damaged",
    "kernel kills the worker for want of memory",
    "device out of memory",
    "device lost",
    "engine that gives wrong results",
    "request that kills its worker each time",
    "crash loop",
    "wall clock an hour off",
    "rolling restart under load",
    "drain of a busy server",
    "replicas of a service drained, frozen or slow",
    "weights missing, cut or wrong",
    "reload to a bad version",
    "certificate expires or is replaced",
    "no key, wrong key, quota used up",
    "another user of the machine",
    "slow, lossy network",
    "second server for the same port or data",
    "shared memory left by a crash",
    "metrics scraped hard, or never",
    "hours under load, with callers that crash",
)

CATALOGUE = (
    *("worker killed in a call", "server killed", "worker stopped (SIGSTOP)", "server or machine paused"),  # 1 to 4
    *("engine hangs: C code, an endless loop", "C code keeps the interpreter to itself", "slow engine that advances"),
    *("caller that reads slowly, or not at all", "caller that leaves", "half-open connection"),  # 8 to 10
    *("deadline over before the call begins", "deadline over in the middle", "deadline shorter than the estimate"),
    *("message over the limit", "malformed bytes, other protocols", "broken, cut or odd media"),  # 14 to 16
    *("decompression bomb", "queue full", "retry storm", "the same job submitted twice"),  # 17 to 20
    *("chunks repeated, missing or out of order", "orchestrator killed in a job"),  # 21, 22
    *("orchestrator frozen while another attempt works on", "orchestrator replaced by another version in a job"),
    *("gateway killed", "database locked, slow or down", "disk full", "crash while a file is written"),  # 25 to 28
    *("kernel kills the worker for want of memory", "device out of memory", "device lost"),  # 29 to 31
    *("request that kills its worker each time", "wall clock an hour off", "rolling restart under load"),  # 32 to 34
    *("drain of a busy server", "weights missing, cut or wrong", "reload to a bad version"),  # 35 to 37
    *("certificate expires or is replaced", "no key, wrong key, quota used up", "slow, lossy network"),  # 38 to 40
    *("second server for the same port or data", "shared memory left by a crash"),  # 41, 42
    *("metrics scraped hard, or never", "metrics scraped hard, or never"),  # 43, 44: asked too often, not at all
    "hours under load, with callers that crash",  # 45
)
"""The row of each of the 45 faults that the design of the mesh began with, in its order."""

NOT_PROVOKED = {
    "shared memory left by a crash": (
        "There is none.",
        "Progress records are memory without a name, which goes with the last process that has it.",
    ),
}
"""What is promised, and the reason."""

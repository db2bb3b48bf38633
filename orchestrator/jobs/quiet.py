"""Threads of the durable engine that have nothing to do here, and are not started.

They look at the database once a second each, which was more than half of what an idle orchestrator cost:

- the one that finds queues: ours has a thread already (`doorbell.py`), and its own, for what is resumed, forked or
  scheduled without one, is never used: whatever is recovered goes back to the queue that it came from;
- the one for what was delayed, or has a deadline: a job has neither (`DurableEngine.enqueue`);
- the one for schedules, of which there are none.
"""

from __future__ import annotations

import dbos._dbos

_IDLE_THREADS = ("queue_thread", "background_jobs_thread", "dynamic_scheduler_loop")


def start_no_idle_threads() -> None:
    """Whatever is launched from now on starts none of them."""
    for name in _IDLE_THREADS:
        if not hasattr(dbos._dbos, name):
            raise AttributeError(f"The durable engine has no {name} any more: see what has taken its place.")
        setattr(dbos._dbos, name, _nothing_to_do)


def _nothing_to_do(*_: object) -> None:
    """What such a thread does instead: it ends."""

"""Puts works that are done with into a mesh's database: `python -m tests.support.many_works DATA COUNT`."""

import asyncio
import sys

from orchestrator.jobs.records import JobRecords, timestamp_now
from vigent.jobs.v1 import jobs_pb2


async def main(data: str, count: int) -> None:
    records = JobRecords(f"sqlite:///{data}/jobs.db")
    for number in range(1, count + 1):
        spec = jobs_pb2.JobSpec(script="Hello.", title=f"Work {number}", width=720, height=1280)
        progress = jobs_pb2.JobProgress(stage="segments", eta_s=-1, message="Cancelled.")
        job = jobs_pb2.Job(id=f"job-many-{number}", spec=spec, state=jobs_pb2.JOB_STATE_CANCELLED, progress=progress)
        job.create_time.CopyFrom(timestamp_now())
        job.end_time.CopyFrom(job.create_time)
        await records.create(job, "")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

"""What everyone who works on one film shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.making.plan import FilmPlan
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import Servers
from orchestrator.settings import OrchestratorSettings
from services.media.store import MediaStore
from services.text.sentences import language_to_say
from vigent.jobs.v1 import jobs_pb2


@dataclass(frozen=True)
class Making:
    """One film in the making: what was ordered, what is planned, and the means to make it.

    `retaken` is called for each further take of a sentence.
    """

    job_id: str
    spec: jobs_pb2.JobSpec
    plan: FilmPlan
    store: MediaStore
    servers: Servers
    settings: OrchestratorSettings
    policy: RetryPolicy
    retaken: Callable[[], None]

    def choice(self, index: int) -> jobs_pb2.SegmentChoice:
        """What is chosen for segment `index`; all defaults where nothing is."""
        chosen = (choice for choice in self.spec.segment_choices if choice.segment == index)
        return next(chosen, jobs_pb2.SegmentChoice(segment=index))

    def footage_starts(self) -> dict[int, int]:
        """Where the footage of segments begins that does not run on from the one before."""
        choices = self.spec.segment_choices
        return {each.segment: each.first_footage_frame for each in choices if each.HasField("first_footage_frame")}

    def language_to_say(self, text: str) -> str:
        """BCP 47 language that a sentence of the script is said in: "" where its letters tell the voice."""
        return language_to_say(text, self.spec.language, self.spec.script)

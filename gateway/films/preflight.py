"""What there is to see in footage, for people and programs, before a film is made of it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2


class Region(BaseModel):
    """A rectangle in shares of the picture."""

    left: float = Field(description="Left edge, 0 to 1.")
    top: float = Field(description="Top edge, 0 to 1.")
    width: float = Field(description="Width, 0 to 1.")
    height: float = Field(description="Height, 0 to 1.")


class Preflight(BaseModel):
    """Faces in the footage at the film's size and rate, and what is to be said of it."""

    width: int = Field(description="Width in pixels.")
    height: int = Field(description="Height in pixels.")
    frames: int = Field(description="Frames at 25 a second; 1 for a picture.")
    frames_without_face: int = Field(description="Frames in which no face was found; the film shows them as they are.")
    frames_with_several_faces: int = Field(description="Frames in which more than one face was found.")
    face: Region | None = Field(description="All places of the face that is followed; null where none was found.")
    mouth: Region | None = Field(description="All places of its mouth; null where none was found.")
    turned_degrees: float | None = Field(
        description="How far the head is usually turned from the camera; null where the engine does not look at that."
    )
    face_luma: float | None = Field(
        description="Usual light on the face, 0 to 255; null where the engine does not look at that."
    )
    problems: list[str] = Field(description="What to do better, in words; empty when all is well.")


def preflight_view(looked: jobs_pb2.LookAtFootageResponse) -> Preflight:
    """The report for people and programs."""
    report = looked.report
    return Preflight(
        width=report.width,
        height=report.height,
        frames=report.frames,
        frames_without_face=report.frames_without_face,
        frames_with_several_faces=report.frames_with_several_faces,
        face=_region(report.face, report),
        mouth=_region(report.mouth, report),
        turned_degrees=round(report.turned_degrees, 1) if report.HasField("turned_degrees") else None,
        face_luma=round(report.face_luma) if report.HasField("face_luma") else None,
        problems=[*looked.notes, *report.problems],
    )


def _region(box: lipsync_pb2.Box, report: lipsync_pb2.FootageReport) -> Region | None:
    if not box.width:
        return None
    across, down = 1 / report.width, 1 / report.height
    return Region(left=box.x * across, top=box.y * down, width=box.width * across, height=box.height * down)

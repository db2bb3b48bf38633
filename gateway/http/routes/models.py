"""The list that OpenAI's clients choose a model from; any name works, as the mesh has one engine per task."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.http.problems import PROBLEM_RESPONSES
from services.base.errors import NotFoundError

router = APIRouter(prefix="/v1/models", tags=["OpenAI-compatible"], responses=PROBLEM_RESPONSES)

_IDS = ("vigent", "tts-1", "whisper-1")


class Model(BaseModel):
    """A model as OpenAI describes one."""

    id: str = Field(description="Give it as `model`.")
    object: Literal["model"] = Field(default="model", description="What this is.")
    created: int = Field(default=0, description="Not known.")
    owned_by: str = Field(default="vigent", description="Whose it is.")


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = Field(default="list", description="What this is.")
    data: list[Model] = Field(description="The models.")


@router.get("", summary="List models")
async def list_models() -> Models:
    """Names under which clients find speech and transcription."""
    return Models(data=[Model(id=id_) for id_ in _IDS])


@router.get("/{model_id}", summary="Look at a model")
async def get_model(model_id: str) -> Model:
    """One of the list."""
    if model_id not in _IDS:
        raise NotFoundError(f"There is no model {model_id[:80]!r}.", "GET /v1/models lists them.", "model")
    return Model(id=model_id)

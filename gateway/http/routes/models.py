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

    id: str = Field(description="Use it as `model`.")
    object: Literal["model"] = Field(default="model", description="Type of this object.")
    created: int = Field(default=0, description="Unknown; always 0.")
    owned_by: str = Field(default="vigent", description="Owner.")


class Models(BaseModel):
    """The list of models."""

    object: Literal["list"] = Field(default="list", description="Type of this object.")
    data: list[Model] = Field(description="The models.")


@router.get("", summary="List models")
async def list_models() -> Models:
    """Names that clients know speech and transcription by; any other name works too."""
    return Models(data=[Model(id=id_) for id_ in _IDS])


@router.get("/{model_id}", summary="Look at a model")
async def get_model(model_id: str) -> Model:
    """One model of the list."""
    if model_id not in _IDS:
        raise NotFoundError(f"There is no model {model_id[:80]!r}.", "GET /v1/models lists them.", "model")
    return Model(id=model_id)

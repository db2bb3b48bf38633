"""Vigent's client: `from vigent.client import Client, FilmRequest`. One page of examples: docs/client.md.

Its models are the gateway's own.
"""

from gateway.client.asynchronous import AsyncClient
from gateway.client.blocking import Client
from gateway.fields import Consent
from gateway.films.forecast import Forecast
from gateway.films.request import FilmRequest
from gateway.films.script import ScriptRequest, ScriptSentence, ScriptView, ScriptWarning
from gateway.films.view import JobEventView, JobFailure, JobState, JobView, Output, Progress, Segment
from gateway.http.replicas import Replica, ServiceState
from gateway.library.assets import (
    Asset,
    Description,
    EngineVoice,
    Font,
    Footage,
    Music,
    Style,
    StyleDescription,
    Voice,
    VoiceDescription,
    Voices,
)
from services.base.errors import (
    AlreadyExistsError,
    DeadlineExceededError,
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    VigentError,
)

__all__ = [
    "AlreadyExistsError",
    "Asset",
    "AsyncClient",
    "Client",
    "Consent",
    "DeadlineExceededError",
    "Description",
    "EngineVoice",
    "ExhaustedError",
    "FailedPreconditionError",
    "FilmRequest",
    "Font",
    "Footage",
    "Forecast",
    "InternalError",
    "InvalidInputError",
    "JobEventView",
    "JobFailure",
    "JobState",
    "JobView",
    "Music",
    "NotFoundError",
    "Output",
    "PermissionDeniedError",
    "Progress",
    "Replica",
    "ScriptRequest",
    "ScriptSentence",
    "ScriptView",
    "ScriptWarning",
    "Segment",
    "ServiceState",
    "Style",
    "StyleDescription",
    "UnauthenticatedError",
    "UnavailableError",
    "VigentError",
    "Voice",
    "VoiceDescription",
    "Voices",
]

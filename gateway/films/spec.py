"""A film's options to `vigent.jobs.v1.JobSpec` and back, by the names and types of both; no option is named here.

Entries of libraries are left to `resolve`.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from gateway.fields import Consent
from gateway.films.request import HINTS, FilmRequest, SegmentChoice
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

_ON, _OFF = "ON", "OFF"  # of an enum that people set with yes and no


def place_of(field: str) -> FieldDescriptor:
    """Where a field of the request stands in the spec."""
    return jobs_pb2.JobSpec.DESCRIPTOR.fields_by_name[HINTS[field].spec or field]


_FIELDS = {place_of(field).name: field for field in FilmRequest.model_fields}


def request_field(field: str) -> str:
    """The request's name of a field that an error names: "reference.x" for "spec.reference_audio.x"."""
    if not field.startswith("spec."):
        return field
    place, dot, inside = field.removeprefix("spec.").partition(".")
    return f"{_FIELDS.get(place, place)}{dot}{inside}"


def spec_of(request: FilmRequest) -> jobs_pb2.JobSpec:
    """The spec without entries of libraries."""
    spec = jobs_pb2.JobSpec()
    for field, hint in HINTS.items():
        place, value = place_of(field), getattr(request, field)
        if isinstance(value, Consent):
            getattr(spec, place.name).CopyFrom(consent_message(value))
        elif place.enum_type is not None:
            setattr(spec, place.name, _number(place.enum_type, value))
        elif isinstance(value, list):
            getattr(spec, place.name).extend(map(_plain_or_message, value))
        elif place.message_type is None and not hint.entry:
            setattr(spec, place.name, value)
    return spec


def request_of(spec: jobs_pb2.JobSpec) -> FilmRequest:
    """The request that gives this spec, and so the same film. Not checked: jobs may have bypassed the gateway."""
    values: dict[str, Any] = {field: _value(spec, field) for field in FilmRequest.model_fields}
    request = FilmRequest.model_construct(**values)
    if request.reference and not request.voice:
        request.voice, request.reference = request.reference, ""
    return request


def consent_message(consent: Consent) -> jobs_pb2.Consent:
    """The record as jobs keep it; the orchestrator fills in the time where there is none."""
    message = jobs_pb2.Consent(person=consent.person, statement=consent.statement)
    if consent.given_time is not None:
        message.given_time.FromDatetime(consent.given_time)
    return message


def _value(spec: jobs_pb2.JobSpec, field: str) -> object:
    place, default = place_of(field), FilmRequest.model_fields[field].default
    if place.has_presence and not spec.HasField(place.name):  # type: ignore[arg-type]
        return default
    value = getattr(spec, place.name)
    if place.enum_type is not None:
        return _word(place.enum_type, value, default)
    if isinstance(value, jobs_pb2.Consent):
        return _consent(value)
    if isinstance(value, media_pb2.MediaRef):
        return value.sha256 or default
    if isinstance(default, list):
        return [_choice(each) if isinstance(each, jobs_pb2.SegmentChoice) else each for each in value]
    return round(value, 3) if isinstance(value, float) else value


def _plain_or_message(value: object) -> object:
    return jobs_pb2.SegmentChoice(**value.model_dump()) if isinstance(value, SegmentChoice) else value


def _choice(message: jobs_pb2.SegmentChoice) -> SegmentChoice:
    first = message.first_footage_frame if message.HasField("first_footage_frame") else None
    return SegmentChoice.model_construct(
        segment=message.segment, voice=message.voice, take=message.take, first_footage_frame=first
    )


def _number(enum: EnumDescriptor, value: object) -> int:
    word = (_ON if value else _OFF) if isinstance(value, bool) else str(value).upper()
    return enum.values_by_name[f"{_prefix(enum)}{word}"].number


def _word(enum: EnumDescriptor, number: int, default: object) -> object:
    word = enum.values_by_number[number].name.removeprefix(_prefix(enum)) if number else ""
    if isinstance(default, bool):
        return word != _OFF
    return word.lower() or default


def _prefix(enum: EnumDescriptor) -> str:
    return enum.values[0].name.removesuffix("UNSPECIFIED")


def _consent(message: jobs_pb2.Consent) -> Consent:
    given_time = message.given_time.ToDatetime(UTC)
    return Consent.model_construct(person=message.person, statement=message.statement, given_time=given_time)

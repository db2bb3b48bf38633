"""What a film would still need, for people and programs."""

from __future__ import annotations

from pydantic import BaseModel, Field

from vigent.jobs.v1 import jobs_pb2


class SentenceForecast(BaseModel):
    """A sentence, and whether its voice is there already."""

    text: str = Field(description="Its text as in the script, without Markdown.")
    char_start: int = Field(description="Offset of its first character in the script.")
    spoken: bool = Field(description="Whether its voice is kept, so that it is not spoken again.")


class Forecast(BaseModel):
    """What a film would still need."""

    sentences: list[SentenceForecast] = Field(description="In order.")
    to_speak: int = Field(description="How many of them would be spoken; the others are kept from films before.")


def forecast_view(forecast: jobs_pb2.ForecastJobResponse) -> Forecast:
    """The forecast for people and programs."""
    told = [
        SentenceForecast(text=each.text, char_start=each.char_start, spoken=each.spoken) for each in forecast.sentences
    ]
    return Forecast(sentences=told, to_speak=sum(not each.spoken for each in told))

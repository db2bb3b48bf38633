"""Qwen3-TTS, 12 Hz family: cloned, built-in and designed voices, streamed frame by frame.

`engine.py` is the door; `prompt.py`, `loop.py` and `codec.py` are the three things it does.
"""

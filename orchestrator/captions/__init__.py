"""Captions: the script, broken into lines and cues and timed by the voice."""

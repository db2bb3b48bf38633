"""The demo presenter, drawn by code: a head as a height field that is lit, hair as strands, eyes that blink."""

"""Titles, captions and labels as transparent pictures."""

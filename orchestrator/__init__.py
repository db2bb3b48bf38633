"""Durable jobs: a script becomes a film."""

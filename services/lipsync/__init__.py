"""Lip-sync."""

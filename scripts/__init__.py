"""Thin commands around `core`: parse, then call."""

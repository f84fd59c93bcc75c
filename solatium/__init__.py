"""Replay rush-sale allocations from logs, and pay consolation bonuses for the failures."""

__version__ = "0.1.0"

"""Autorun: a labelled backlog in the evening, pull requests worth reviewing in the morning."""

__version__ = "0.1.0"

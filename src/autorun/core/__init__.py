"""Decisions: pure functions over frozen values; no clock, disk, network, process or environment."""

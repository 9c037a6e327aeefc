"""Lives that are cut short at every outward effect, and what the next ones make of it."""

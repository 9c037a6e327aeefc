"""Many runners on one backlog, and what becomes of it."""

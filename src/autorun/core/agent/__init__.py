"""What the agent is told, and what its events, its statement and its end mean."""

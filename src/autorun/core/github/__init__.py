"""What GitHub tells us, read: events, commands, names, and whose word counts."""

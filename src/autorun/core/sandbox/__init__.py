"""How agent and checks are confined."""

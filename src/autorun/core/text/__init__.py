"""Text from outside, and text that leaves: made inert, searched for secrets."""

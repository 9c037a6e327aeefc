"""The whole line on a throw-away repository against a scripted model."""

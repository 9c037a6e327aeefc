"""The line cut into four jobs with permissions of their own; between them lies the hand-over."""

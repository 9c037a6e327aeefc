"""The loop of the Anthropic SDK backend, as far as it is decisions."""

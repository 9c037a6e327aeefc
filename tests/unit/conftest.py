"""How many examples a law is tried with where only the branches that it reaches count."""

from hypothesis import settings

# The same few each time: whether a branch of the core is taken is left neither to luck nor to a machine's haste.
settings.register_profile("few", max_examples=10, derandomize=True, deadline=None)

"""Tests of the Linear provider, over a double of Linear."""

"""The GitHub adapters, tested on the double."""

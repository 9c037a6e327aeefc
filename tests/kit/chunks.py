"""Bytes as they might arrive."""


def chunked(data: bytes, size: int) -> list[bytes]:
    """Cut data into pieces of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]

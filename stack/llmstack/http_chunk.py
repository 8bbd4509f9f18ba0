"""One chunk of HTTP that came whole and alone needs no parser: so nearly every token comes."""

from __future__ import annotations

#: What a chunk begins with, by the length of all of it, as engines write it; longer ones than a
#: token has are left to the parser.
HEADS = {len(head) + size + 2: head for size in range(1, 2048) if (head := b"%x\r\n" % size)}


def one_chunk(data: bytes) -> bytes:
    """Return the content of one chunk that is whole; nothing of all else."""
    head = HEADS.get(len(data))
    if head is None or not data.startswith(head) or not data.endswith(b"\r\n"):
        return b""
    return data[len(head) : -2]

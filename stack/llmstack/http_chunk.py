"""One chunk of HTTP that came whole and alone needs no parser: so nearly every token comes."""

from __future__ import annotations

#: What a chunk begins with, by the length of all of it, as engines write it; longer ones than a
#: token has are left to the parser.
HEADS = {len(head) + size + 2: head for size in range(1, 2048) if (head := b"%x\r\n" % size)}
#: What is around an event in its chunk, and what comes behind the last chunk.
EVENT_BEGIN, EVENT_END, END = b"data: ", b"\n\n\r\n", b"0\r\n\r\n"


def one_chunk(data: bytes) -> bytes:
    """Return the content of one chunk that is whole; nothing of all else."""
    head = HEADS.get(len(data))
    if head is None or not data.startswith(head) or not data.endswith(b"\r\n"):
        return b""
    return data[len(head) : -2]


def events_of_chunks(data: bytes) -> tuple[list[bytes], bool] | None:
    """Return the data of events that came whole, each on one line and alone in its chunk.

    None where anything else is among them.

    Args:
        data: from the beginning of a chunk.

    Returns:
        The events, and whether the end of all chunks has come behind them.
    """
    is_end = data.endswith(END)
    *chunks, rest = (data[: -len(END)] if is_end else data).split(EVENT_END)
    if rest:
        return None
    found = []
    for chunk in chunks:
        head = HEADS.get(len(chunk) + len(EVENT_END))
        if not head or not chunk.startswith(head) or not chunk.startswith(EVENT_BEGIN, len(head)):
            return None
        event = chunk[len(head) + len(EVENT_BEGIN) :]
        if b"\n" in event or b"\r" in event:
            return None
        found.append(event)
    return found, is_end

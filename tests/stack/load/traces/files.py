"""Traces in the forms that are published, made here: small, and with what each form has of its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens"
AZURE_2023 = (
    "2023-11-16 18:17:03.9799600,4808,10",
    "2023-11-16 18:17:04.0319600,3180,8",
    "2023-11-16 18:17:04.0781490,110,27",
    "2023-11-16 18:17:06.5000000,7,0",
)
AZURE_2024 = (
    "2024-05-12 00:00:00.003000+00:00,431,104",
    "2024-05-12 00:00:00.034546+00:00,2739,95",
    "2024-05-12 00:00:01+00:00,3189,103",
    "2024-05-12 00:00:01.250000+00:00,803,74",
)
MULTIMODAL = (
    "2024-10-15 12:00:00.123456+00:00,2,1500,100",
    "2024-10-15 12:00:01+00:00,0,20,5",
)
BURSTGPT = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
BURSTGPT_ROWS = (
    "5,ChatGPT,472,18,490,Conversation log",
    "45,ChatGPT,1087,0,1087,Conversation log",
    "118,GPT-4,417,276,693,API log",
)
BURSTGPT_NEWER = (
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"
)
MOONCAKE = (
    {"timestamp": 27482, "input_length": 1100, "output_length": 52, "hash_ids": [46, 47, 2353]},
    {"timestamp": 30535, "input_length": 1030, "output_length": 26, "hash_ids": [46, 47, 48]},
)
BAILIAN = (
    {"chat_id": 159, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 40, "output_length": 13, "type": "text", "turn": 1, "hash_ids": [1089, 1090, 1091]},
    {"chat_id": 160, "parent_chat_id": 159, "timestamp": 62.5, "input_length": 60, "output_length": 8, "type": "file", "turn": 2, "hash_ids": [1089, 1090, 1091, 6]},
)  # fmt: skip


def written(
    path: Path, lines: Iterable[str], *, end: str = "\n", ends_with_one: bool = True
) -> Path:
    text = end.join(lines) + (end if ends_with_one else "")
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def azure(path: Path, rows: Sequence[str] = AZURE_2024) -> Path:
    return written(path, (AZURE, *rows))


def azure_2023(path: Path, rows: Sequence[str] = AZURE_2023) -> Path:
    return written(path, (AZURE, *rows), end="\r\n", ends_with_one=False)


def objects(path: Path, rows: Iterable[object]) -> Path:
    return written(path, map(json.dumps, rows))

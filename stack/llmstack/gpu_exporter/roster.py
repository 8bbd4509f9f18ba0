"""Which GPUs there are: each keeps the number by which it was seen first.

A driver that is begun anew leaves a lost GPU out and counts its neighbours up, so that GPU 1 is
suddenly GPU 0. Alerts and pages name GPUs by number, so numbers here go with the UUID.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.identity import Remembered, uuid_at


class Roster:
    """All GPUs that were ever seen, in the order of their numbers."""

    def __init__(self) -> None:
        self._gpus: list[Remembered] = []

    def __iter__(self) -> Iterator[Remembered]:
        return iter(tuple(self._gpus))

    def call(self, library: Any) -> None:
        """See which GPUs the driver has now; those that are left out stay, as lost.

        Raises:
            library.NVMLError: the driver itself does not answer.
        """
        # One that never said who it is may be anyone now: it is seen anew.
        self._gpus = [gpu for gpu in self._gpus if gpu.uuid]
        uuids = [self._uuid_at(library, index) for index in range(library.nvmlDeviceGetCount())]
        known = {gpu.uuid for gpu in self._gpus}
        absent = sum(gpu.uuid not in uuids for gpu in self._gpus)
        for index, uuid in enumerate(uuids):
            if uuid in known:
                continue
            if not uuid and absent:
                # Most likely one that is known already, and does not say who it is any more.
                absent -= 1
                continue
            taken = {gpu.number for gpu in self._gpus}
            number = index if index not in taken else max(taken) + 1
            if uuid or number == index:
                self._gpus.append(Remembered(number, uuid))
        self._gpus.sort(key=lambda gpu: gpu.number)

    @staticmethod
    def _uuid_at(library: Any, index: int) -> str:
        try:
            return uuid_at(library, index)
        except library.NVMLError as error:
            if nvml.code_of(error) in nvml.GONE:
                raise
            return ""

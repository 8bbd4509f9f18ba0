"""The XID errors of NVIDIA's driver that an operator of language models meets.

Codes, names and what to do at once are those of NVIDIA's catalogue for A100 and newer; codes that
it calls unused there are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class XidClass(Enum):
    """What an XID error asks for; the value is said to people."""

    APPLICATION = "fix or restart the program"
    RESTART = "reset the GPU or restart the node"
    REPLACE = "replace the GPU"
    INFO = "nothing at once"


@dataclass(frozen=True)
class Xid:
    """One code, with what it means and what it asks for."""

    code: int
    name: str
    meaning: str
    asks_for: XidClass


_APPLICATION, _RESTART = XidClass.APPLICATION, XidClass.RESTART
_REPLACE, _INFO = XidClass.REPLACE, XidClass.INFO

#: In the order of their codes.
XIDS = (
    Xid(8, "GPU stopped processing", "A channel did not become idle in time.", _APPLICATION),
    Xid(11, "Invalid push buffer", "A stream of commands was corrupt.", _APPLICATION),
    Xid(13, "Graphics engine exception", "A kernel left its array, or worse.", _APPLICATION),
    Xid(31, "GPU memory page fault", "A kernel used an illegal address.", _APPLICATION),
    Xid(32, "Corrupt push buffer", "Commands were corrupt; PCIe may be bad.", _APPLICATION),
    Xid(38, "Driver firmware error", "A watchdog of the firmware ran out.", _INFO),
    Xid(39, "Copy engine exception", "A copy by engine 0 failed.", _APPLICATION),
    Xid(40, "Copy engine exception", "A copy by engine 1 failed.", _APPLICATION),
    Xid(41, "Copy engine exception", "A copy by engine 2 failed.", _APPLICATION),
    Xid(43, "GPU stopped processing", "A program broke and ended; the GPU is well.", _APPLICATION),
    Xid(45, "Preemptive cleanup", "A program ended or was killed; see the XID before.", _INFO),
    Xid(46, "GPU stopped processing", "The GPU did not answer in time.", _RESTART),
    Xid(48, "Double bit ECC error", "Memory lost data that ECC cannot mend.", _RESTART),
    Xid(62, "Micro-controller halt", "The power management unit stopped.", _RESTART),
    Xid(63, "Memory remapping event", "A bad row is replaced at the next reset.", _INFO),
    Xid(64, "Memory remapping failure", "A bad row cannot be replaced.", _REPLACE),
    Xid(68, "Video decoder exception", "NVDEC 0 failed.", _APPLICATION),
    Xid(69, "Graphics engine class error", "A program used an engine wrongly.", _APPLICATION),
    Xid(74, "NVLink error", "A link to a GPU or a switch broke; so may its far end.", _RESTART),
    Xid(79, "GPU has fallen off the bus", "PCIe does not reach the GPU any more.", _RESTART),
    Xid(92, "High single bit ECC error rate", "Memory needs mending often.", _INFO),
    Xid(94, "Contained memory error", "One program lost its data; restart that.", _RESTART),
    Xid(95, "Uncontained memory error", "Several programs lost their data.", _RESTART),
    Xid(109, "Context switch timeout", "The GPU did not change programs in time.", _RESTART),
    Xid(110, "Security fault", "Rare unless hardware fails.", _RESTART),
    Xid(119, "GSP RPC timeout", "The GPU's system processor did not answer.", _RESTART),
    Xid(120, "GSP error", "The GPU's system processor failed.", _RESTART),
    Xid(121, "C2C error", "The link to the Grace CPU mended an error.", _INFO),
    Xid(136, "Link training failed", "An NVLink did not come up.", _RESTART),
    Xid(137, "NVLink privilege error", "A program used an illegal peer address.", _APPLICATION),
    Xid(140, "Unrecovered ECC error", "Bad memory could not be put out of use.", _RESTART),
    Xid(143, "GPU initialization error", "The GPU did not start.", _RESTART),
    Xid(144, "NVLink SAW error", "NVLink 5; the log tells whether it is fatal.", _RESTART),
    Xid(145, "NVLink RLW error", "NVLink 5; the log tells whether it is fatal.", _RESTART),
    Xid(146, "NVLink TLW error", "NVLink 5; the log tells whether it is fatal.", _RESTART),
    Xid(149, "NVLink NETIR error", "NVLink 5; most often a link went down.", _RESTART),
    Xid(150, "NVLink MSE error", "NVLink 5; a link works badly or not at all.", _RESTART),
    Xid(154, "Recovery action changed", "The log names what another XID needs.", _INFO),
    Xid(155, "NVLink software-defined error", "A link was taken down.", _RESTART),
    Xid(156, "Resource retirement event", "A bad part leaves use at the reset.", _RESTART),
    Xid(157, "Resource retirement failure", "No spare part is left.", _REPLACE),
    Xid(158, "GPU fatal timeout", "The GPU did not answer in time.", _RESTART),
    Xid(171, "Uncorrectable DRAM error", "Tells more of an XID 48.", _INFO),
    Xid(172, "Uncorrectable SRAM error", "Tells more of an XID 48.", _INFO),
)

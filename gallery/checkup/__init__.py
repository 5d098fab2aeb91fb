"""The checkup of a system: whether a server with these settings would run here, what is in its way, what to do."""

from gallery.checkup.checks import Check, State
from gallery.checkup.report import checkup

__all__ = ["Check", "State", "checkup"]

"""Who may call what: API keys and their roles, the rule of every RPC, and rate limits. It knows nothing of gRPC."""

from gallery.access.caller import ANONYMOUS, Caller, call_for, current_caller
from gallery.access.exposure import check_exposure, is_loopback
from gallery.access.guard import Guard
from gallery.access.key_file import KeyFile
from gallery.access.keyring import Keyring
from gallery.access.keys import Key, NewKey, new_key
from gallery.access.rules import OPEN, RULES, Kind, Names, Role, Rule

__all__ = [
    "ANONYMOUS",
    "OPEN",
    "RULES",
    "Caller",
    "Guard",
    "Key",
    "KeyFile",
    "Keyring",
    "Kind",
    "Names",
    "NewKey",
    "Role",
    "Rule",
    "call_for",
    "check_exposure",
    "current_caller",
    "is_loopback",
    "new_key",
]

"""The audit log: who asked what of which gallery and identity, when, and what came of it, in a chain of hashes.

Each line of the log holds the SHA-256 of the line before it and of itself, so a line that is removed, changed or
moved shows in `verify`. Lines cut off the end show against the head: the hash of the last line, which is kept in a
file beside the log, and anywhere else that you note it. Whoever can rewrite all of the log and its head can forge
both, so a head noted elsewhere is what proves the log against its own machine. No pictures and no embeddings are in it.
"""

from gallery.audit.entries import ADMITTED, Detail, Entry, Event
from gallery.audit.log import AuditLog
from gallery.audit.reading import Where, find
from gallery.audit.verification import Break, Verification, verify

__all__ = ["ADMITTED", "AuditLog", "Break", "Detail", "Entry", "Event", "Verification", "Where", "find", "verify"]

"""Galleries moved as wholes: between any two stores, and to and from one file.

    blocks    the file as a row of blocks, each with its checksum
    backups   a gallery written into such a file and read from it
    sources   where a gallery comes from: a store or a file
    copying   a source copied into a draft, compared with it, and put in its gallery's place
    restoring what a restored backup must leave out: who was erased since

Nothing here holds more than a thousand templates at a time, and nothing is visible under a gallery's name before it
is whole and was compared with where it came from.
"""

from gallery.transfer.backups import Backup, BackupSummary, backup_chunks, write_backup
from gallery.transfer.copying import CopyReport, migrate
from gallery.transfer.restoring import restore

__all__ = ["Backup", "BackupSummary", "CopyReport", "backup_chunks", "migrate", "restore", "write_backup"]

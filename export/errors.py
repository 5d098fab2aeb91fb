"""Every way the workshop refuses: what was wrong, what was expected, how to mend it.

GalleryError
└── ExportError
    ├── InvalidData         a folder or manifest that cannot be trained or measured on
    ├── InvalidRecipe       options that do not fit together
    ├── InvalidWeights      weights of another architecture
    ├── InvalidCheckpoint   a checkpoint of another recipe, or a torn one
    └── CannotSave          the disk is full or the folder cannot be written
"""

from gallery.errors import GalleryError


class ExportError(GalleryError):
    """A refusal of the workshop, before the long work starts where it can be known."""

    reason = "EXPORT_ERROR"


class InvalidData(ExportError):
    """A folder or manifest that cannot be trained or measured on."""

    reason = "INVALID_DATA"


class InvalidRecipe(ExportError):
    """Options that do not fit together, or do not fit the data."""

    reason = "INVALID_RECIPE"


class InvalidWeights(ExportError):
    """The weights belong to another architecture, or the file holds none."""

    reason = "INVALID_WEIGHTS"


class InvalidCheckpoint(ExportError):
    """The checkpoint was written by another recipe or is torn."""

    reason = "INVALID_CHECKPOINT"


class CannotSave(ExportError):
    """A file could not be written; what was there before is still there."""

    reason = "CANNOT_SAVE"

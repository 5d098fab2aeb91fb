"""Every way the gallery refuses, as one tree of exceptions.

    GalleryError
    ├── InvalidRequest            the caller can mend it
    │   ├── InvalidImage          not a picture, or not one that is accepted
    │   │   └── ImageTooLarge     more bytes or pixels than the limit
    │   ├── PoorQuality           a picture to enrol that breaks the gallery's limits
    │   ├── InvalidRegion         a box that is empty or outside its picture
    │   ├── InvalidBackup         a backup that is torn, altered, or none
    │   ├── InvalidSource         no video, no sidecar, or one that breaks off
    │   ├── InvalidIdentifier     a gallery, identity or template id of the wrong form
    │   └── InvalidParameter      a threshold, limit or page token out of range
    ├── NotFound
    │   ├── GalleryNotFound
    │   ├── IdentityNotFound
    │   ├── TemplateNotFound
    │   └── ChangeNotFound        a merge or split that nothing is known of
    ├── GalleryAlreadyExists
    ├── GalleryChanged            somebody else changed the gallery meanwhile; nothing was written
    ├── EnrolmentConflict         an image that lies nearer to another identity, where the policy refuses it
    ├── NotEnoughEvidence         too few people to say what was asked
    ├── ModelMismatch             templates of another model are never compared
    ├── InvalidModel              an ONNX file that cannot be trusted
    ├── Unauthenticated           the server wants an API key, and the call has none that it knows
    │   └── KeyEnded              the key was revoked or has expired
    ├── PermissionDenied          the key does not allow this
    │   ├── RoleNotAllowed        its role is too low for the call
    │   └── GalleryNotAllowed     it is not for this gallery
    ├── Overloaded                the queue is full; try again after a while
    │   └── RateLimited           the key has made more calls than it may
    ├── EmbeddingFailed           the network failed or hung at this image; another may well succeed
    ├── EmbedderUnavailable       nothing can be embedded: every worker hangs, or the server is stopping
    ├── StoreUnavailable          the store does not answer
    ├── StoreCorrupt              the store holds something it cannot have written
    ├── SourceUnavailable         a camera that cannot be opened, or that was lost
    ├── AuditUnavailable          the audit log cannot be written, so nothing is done that belongs in it
    ├── AuditCorrupt              the audit log is not what was written
    └── CallFailed                raised by clients alone: the server gave no answer of its own
        ├── ServerUnavailable     nobody answers at the address, or the connection broke
        └── DeadlineExceeded      the answer did not come in time

Each class has a ``reason``, stable across releases and meant for machines; each instance says what was
wrong, what was expected and how to mend it, and may carry ``metadata`` (plain strings, no personal data
but the ids that the caller sent).
"""

from typing import ClassVar


class GalleryError(Exception):
    """A refusal: what was wrong, what was expected, how to mend it."""

    reason: ClassVar[str] = "GALLERY_ERROR"

    def __init__(self, problem: str, *, expected: str = "", remedy: str = "", **metadata: str) -> None:
        """Compose the message from its three parts; ``metadata`` travels beside it for machines."""
        expectation = f"expected {expected}" if expected else ""
        super().__init__("; ".join(part for part in (problem, expectation, remedy) if part))
        self.metadata: dict[str, str] = metadata

    @property
    def told(self) -> str:
        """What a caller on another machine is told: the message, where it names nothing of the server's own."""
        return str(self)


class InvalidRequest(GalleryError):
    """The request can never succeed as it was sent."""

    reason = "INVALID_REQUEST"


class InvalidImage(InvalidRequest):
    """The bytes are not a picture of an accepted format, or are damaged."""

    reason = "INVALID_IMAGE"


class ImageTooLarge(InvalidImage):
    """The picture has more bytes, pixels or scans than the limit allows."""

    reason = "IMAGE_TOO_LARGE"


class PoorQuality(InvalidRequest):
    """A picture to enrol breaks the gallery's limits; the message says which."""

    reason = "POOR_QUALITY"


class InvalidRegion(InvalidRequest):
    """A pixel box is empty, lies outside its picture, or there are too many."""

    reason = "INVALID_REGION"


class InvalidBackup(InvalidRequest):
    """A backup that is torn, altered or no backup, or of what was erased since."""

    reason = "INVALID_BACKUP"


class InvalidSource(InvalidRequest):
    """A recording, or the sidecar beside it, that cannot be read or breaks off."""

    reason = "INVALID_SOURCE"


class InvalidIdentifier(InvalidRequest):
    """An identifier has the wrong form."""

    reason = "INVALID_IDENTIFIER"


class InvalidParameter(InvalidRequest):
    """A number or token is out of its range."""

    reason = "INVALID_PARAMETER"


class NotFound(GalleryError):
    """What the request names does not exist."""

    reason = "NOT_FOUND"


class GalleryNotFound(NotFound):
    """No gallery has this id."""

    reason = "GALLERY_NOT_FOUND"


class IdentityNotFound(NotFound):
    """The gallery has no template of this identity."""

    reason = "IDENTITY_NOT_FOUND"


class TemplateNotFound(NotFound):
    """The gallery has no template with this id."""

    reason = "TEMPLATE_NOT_FOUND"


class ChangeNotFound(NotFound):
    """No template of the gallery was moved by this merge or split."""

    reason = "CHANGE_NOT_FOUND"


class GalleryAlreadyExists(GalleryError):
    """A gallery with this id exists already."""

    reason = "GALLERY_ALREADY_EXISTS"


class GalleryChanged(GalleryError):
    """The gallery was changed by somebody else between reading and writing; nothing was written."""

    reason = "GALLERY_CHANGED"


class EnrolmentConflict(GalleryError):
    """An image lies nearer to another identity than to its own, and the gallery's policy refuses that."""

    reason = "ENROLMENT_CONFLICT"


class NotEnoughEvidence(GalleryError):
    """Too few people, enrolled or strangers, to say what was asked; the message says how many are needed."""

    reason = "NOT_ENOUGH_EVIDENCE"


class ModelMismatch(GalleryError):
    """The gallery's templates were made by another model than the one that is loaded."""

    reason = "MODEL_MISMATCH"


class InvalidModel(GalleryError):
    """An ONNX file has no card, a wrong digest, or does not do what its card says."""

    reason = "INVALID_MODEL"


class Unauthenticated(GalleryError):
    """The server wants an API key, and the call has none, or none that the server knows."""

    reason = "UNAUTHENTICATED"


class KeyEnded(Unauthenticated):
    """The API key was revoked or has expired."""

    reason = "KEY_ENDED"


class PermissionDenied(GalleryError):
    """The API key does not allow this."""

    reason = "PERMISSION_DENIED"


class RoleNotAllowed(PermissionDenied):
    """The key's role is too low for the call."""

    reason = "ROLE_NOT_ALLOWED"


class GalleryNotAllowed(PermissionDenied):
    """The key is not for this gallery, whether there is one or not."""

    reason = "GALLERY_NOT_ALLOWED"


class Overloaded(GalleryError):
    """The queue is full. ``retry_after`` is the wait in seconds after which to try again."""

    reason = "OVERLOADED"

    def __init__(self, problem: str, *, retry_after: float, remedy: str = "") -> None:
        """Keep the wait beside the message."""
        super().__init__(problem, remedy=remedy)
        self.retry_after = retry_after


class RateLimited(Overloaded):
    """The key has made more calls than it may. ``retry_after`` is the wait in seconds for the next."""

    reason = "RATE_LIMITED"


class EmbeddingFailed(GalleryError):
    """The network failed at this image, or did not come back from it; sent again, it may do so again."""

    reason = "EMBEDDING_FAILED"


class EmbedderUnavailable(GalleryError):
    """Nothing can be embedded here for now: every worker hangs, or the server is stopping."""

    reason = "EMBEDDER_UNAVAILABLE"


class StoreUnavailable(GalleryError):
    """The store does not answer; nothing is known about the outcome of a write.

    The message names folders and addresses of the server's own, for its log and its operator.
    """

    reason = "STORE_UNAVAILABLE"

    @property
    def told(self) -> str:
        """What to do, and where it is written what is wrong."""
        return (
            "the store cannot be relied on at the moment; try again: doing the same twice changes nothing; "
            "the server's log says what is wrong"
        )


class StoreCorrupt(GalleryError):
    """The store holds something that the gallery cannot have written.

    The message names files of the server, for its log and its operator; others are ``told`` of the gallery
    (``gallery_id`` of the metadata, where it is known).
    """

    reason = "STORE_CORRUPT"

    @property
    def told(self) -> str:
        """Which gallery is damaged, and what to do."""
        gallery_id = self.metadata.get("gallery_id")
        what = "a gallery" if gallery_id is None else f"the gallery {gallery_id!r}"
        return f"{what} is damaged in the server's store; restore it from a backup: the server's log says what is wrong"


class SourceUnavailable(GalleryError):
    """A camera cannot be opened, or was lost and did not come back."""

    reason = "SOURCE_UNAVAILABLE"


class AuditUnavailable(GalleryError):
    """The audit log cannot be written; nothing is known about the outcome of a write."""

    reason = "AUDIT_UNAVAILABLE"


class AuditCorrupt(GalleryError):
    """A line of the audit log was changed, or lines of it are missing."""

    reason = "AUDIT_CORRUPT"


class CallFailed(GalleryError):
    """A client's call ended without an answer or a refusal of the gallery's."""

    reason = "CALL_FAILED"


class ServerUnavailable(CallFailed):
    """The server cannot be reached, or the connection broke; nothing is known about the outcome of a write."""

    reason = "SERVER_UNAVAILABLE"


class DeadlineExceeded(CallFailed):
    """No answer came in time; nothing is known about the outcome of a write."""

    reason = "DEADLINE_EXCEEDED"


WORTH_REPEATING = (
    AuditUnavailable,
    DeadlineExceeded,
    EmbedderUnavailable,
    Overloaded,
    ServerUnavailable,
    StoreUnavailable,
)
"""What may go well when it is tried again after a while: for whoever goes on for long."""

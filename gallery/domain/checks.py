"""What an identifier, a threshold, a context and a policy may be."""

import re
from dataclasses import asdict
from datetime import timedelta
from math import inf

from gallery.domain.galleries import Policy
from gallery.domain.people import TemplateFilter
from gallery.domain.pictures import Context
from gallery.domain.quality import QualityLimits
from gallery.errors import InvalidIdentifier, InvalidParameter

MAX_DISTANCE = 2.0
MAX_IDENTITY_ID_LENGTH = 256
MAX_LABELS = 16
LONGEST_LIFETIME = timedelta(days=3_652_500)  # 10,000 years: the calendar ends sooner

_GALLERY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def checked_gallery_id(gallery_id: str) -> str:
    """Return ``gallery_id``, or raise InvalidIdentifier: it becomes a folder's and a collection's name."""
    if not _GALLERY_ID.fullmatch(gallery_id):
        raise InvalidIdentifier(
            f"the gallery id {gallery_id!r} cannot be used",
            expected="1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
        )
    return gallery_id


def checked_identity_id(identity_id: str) -> str:
    """Return ``identity_id``, or raise InvalidIdentifier: it is the caller's own key, shown in answers."""
    if not 0 < len(identity_id) <= MAX_IDENTITY_ID_LENGTH or not identity_id.isprintable():
        raise InvalidIdentifier(
            f"the identity id {identity_id[:40]!r} cannot be used",
            expected=f"1 to {MAX_IDENTITY_ID_LENGTH} printable characters",
        )
    return identity_id


def checked_key(kind: str, key: str) -> str:
    """Return ``key``, the caller's own of an item or a track, or raise InvalidIdentifier."""
    if len(key) > MAX_IDENTITY_ID_LENGTH or not key.isprintable():
        raise InvalidIdentifier(
            f"the {kind} {key[:40]!r} cannot be used",
            expected=f"at most {MAX_IDENTITY_ID_LENGTH} printable characters",
        )
    return key


def checked_threshold(threshold: float) -> float:
    """Return ``threshold``, or raise InvalidParameter when it is no cosine distance (NaN included)."""
    if not 0.0 <= threshold <= MAX_DISTANCE:
        raise InvalidParameter(
            f"the threshold {threshold} is no cosine distance", expected="a number from 0 to 2; smaller is stricter"
        )
    return threshold


def checked_policy(policy: Policy) -> Policy:
    """Return ``policy``, or raise InvalidParameter for a lifetime, growth or limit that nothing could live by."""
    lifetime, growth = policy.template_lifetime, policy.recalibrate_at_growth
    if lifetime is not None and lifetime <= timedelta(0):
        raise InvalidParameter(
            f"a template lifetime of {lifetime} has passed before it begins", expected="a positive duration"
        )
    if lifetime is not None and lifetime > LONGEST_LIFETIME:
        raise InvalidParameter(
            f"a template lifetime of {lifetime.days} days goes beyond the calendar",
            expected=f"at most {LONGEST_LIFETIME.days} days, or none, which is for ever",
        )
    if growth is not None and not 1.0 < growth < inf:
        raise InvalidParameter(f"a growth of {growth} to recalibrate at", expected="a number above 1, such as 1.5")
    _check_limits("enrolled pictures", policy.enrolment_quality)
    _check_limits("probes", policy.probe_quality)
    return policy


def _check_limits(of_what: str, limits: QualityLimits) -> None:
    """Refuse limits that no measure can be compared with, and those that leave nothing between them."""
    for name, limit in asdict(limits).items():
        if limit is not None and not 0 <= limit < inf:
            raise InvalidParameter(
                f"the limit {name} of {of_what} is {limit}", expected="a number of at least 0, or none"
            )
    for name in ("brightness", "aspect"):
        low, high = getattr(limits, f"min_{name}"), getattr(limits, f"max_{name}")
        if low is not None and high is not None and low > high:
            raise InvalidParameter(
                f"no picture of {of_what} has a {name} from {low} to {high}", expected=f"min_{name} <= max_{name}"
            )


def checked_context(context: Context) -> Context:
    """Return ``context``, or raise InvalidParameter for more or longer labels than are kept."""
    texts = [text for pair in context.labels for text in pair]
    texts += [] if context.camera_id is None else [context.camera_id]
    if len(context.labels) > MAX_LABELS:
        raise InvalidParameter(f"the picture has {len(context.labels)} labels", expected=f"at most {MAX_LABELS}")
    for text in texts:
        if not 0 < len(text) <= MAX_IDENTITY_ID_LENGTH or not text.isprintable():
            raise InvalidParameter(
                f"the label or camera {text[:40]!r} cannot be used",
                expected=f"1 to {MAX_IDENTITY_ID_LENGTH} printable characters",
            )
    names = [name for name, _ in context.labels]
    if len(set(names)) < len(names):
        raise InvalidParameter("a label is given twice", expected="one value for each label")
    return context


def checked_filter(where: TemplateFilter) -> TemplateFilter:
    """Return ``where``, or raise InvalidParameter when it begins no sooner than it ends: nothing could ever fit it."""
    begin, end = where.captured_from, where.captured_until
    if begin is not None and end is not None and begin >= end:
        raise InvalidParameter(
            f"nothing was captured from {begin.isoformat()} until {end.isoformat()}",
            expected="captured_from before captured_until",
        )
    return where

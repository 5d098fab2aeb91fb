"""What is asked of every call before anything is done for it: a key, its role, its galleries, its rate."""

from gallery.access.caller import ANONYMOUS, Caller
from gallery.access.keyring import Keyring
from gallery.access.rules import OPEN, RULES, Names, Role, Rule
from gallery.errors import GalleryNotAllowed, RateLimited, RoleNotAllowed, Unauthenticated

_SCHEME = "bearer "


class Guard:
    """Admits callers by their keys, or everybody when there is no keyring."""

    def __init__(self, keyring: Keyring | None) -> None:
        self._keyring = keyring

    def rule(self, method: str) -> Rule:
        """Find the rule of a method (/package.Service/Method); one without a rule is allowed to nobody."""
        rule = RULES.get(method)
        if rule is None:
            raise RoleNotAllowed(
                f"there is no rule who may call {method}", remedy="it needs one in gallery.access.rules"
            )
        return rule

    def tell(self, authorization: str | None) -> Caller:
        """Tell who calls, from the value of the metadata `authorization`; raises Unauthenticated, KeyEnded."""
        if self._keyring is None:
            return ANONYMOUS
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise Unauthenticated(
                "this server wants an API key, and the call has none",
                expected="the metadata 'authorization: Bearer KEY'",
                remedy="give the client its api_key, or set GALLERY_API_KEY",
            )
        return self._keyring.caller(authorization[len(_SCHEME) :].strip())

    def admit(self, caller: Caller, rule: Rule) -> None:
        """Check the role, and count the call; raises RoleNotAllowed, RateLimited."""
        if rule is OPEN:
            return
        if rule.role is None or not caller.role.includes(rule.role):
            wanted = Role.ADMIN if rule.role is None else rule.role
            raise RoleNotAllowed(
                f"the API key {caller.who} has the role {caller.role}",
                expected=f"the role {wanted} for this call",
                remedy="ask the operator for such a key",
            )
        wait = 0.0 if caller.bucket is None else caller.bucket.take()
        if wait > 0.0 and caller.bucket is not None:
            raise RateLimited(
                f"the API key {caller.who} has made more than its {caller.bucket.rate:g} calls a second",
                retry_after=wait,
                remedy="call more slowly, or ask the operator for a higher rate",
            )

    def allow(self, caller: Caller, rule: Rule, gallery_id: str) -> None:
        """Check the gallery that a call names; raises GalleryNotAllowed, whether there is such a gallery or not."""
        named = rule.names is Names.GALLERY or (rule.names is Names.PERHAPS and gallery_id)
        if named and not caller.sees(gallery_id):
            raise GalleryNotAllowed(
                f"the API key {caller.who} is not for the gallery {gallery_id[:63]!r}",
                remedy="ListGalleries shows those that it is for",
            )

    def check(self, caller: Caller) -> None:
        """Check that the key of a call which is still open has not ended meanwhile; raises KeyEnded."""
        if self._keyring is not None:
            self._keyring.check(caller)

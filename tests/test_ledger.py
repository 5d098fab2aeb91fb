"""The ledger of erasures: who of an older copy must not come back, and what it tells of them."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from gallery import ledger
from gallery.domain import LedgerEntry, TemplateInfo
from gallery.ledger import Erased
from gallery.records import entry_of_record, record_of_entry
from tests.stores.samples import make_template

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = ledger.new_key()


def template(identity_id: str, seed: int = 1) -> TemplateInfo:
    return make_template(identity_id, seed).info


def erasure(identity_id: str, *infos: TemplateInfo) -> LedgerEntry:
    return ledger.erasure_of_identity("lobby", KEY, NOON, identity_id, [info.template_id for info in infos])


def moved(*pairs: tuple[TemplateInfo, TemplateInfo]) -> LedgerEntry:
    ids = [(before.template_id, after.template_id) for before, after in pairs]
    return ledger.move_of_templates("lobby", KEY, NOON, ids)


def test_an_erased_identity_is_erased_with_templates_that_only_the_older_copy_has() -> None:
    erased = Erased("lobby", [erasure("ann", template("ann", 1))])
    assert erased.has(template("ann", 1))
    assert erased.has(template("ann", 2))
    assert not erased.has(template("bob", 1))
    assert not Erased("yard", [erasure("ann")]).has(template("ann")), "the gallery's name is in the hash"


def test_an_erased_template_goes_alone() -> None:
    erased = Erased("lobby", [ledger.erasure_of_templates("lobby", KEY, NOON, [template("ann", 1).template_id])])
    assert erased.has(template("ann", 1))
    assert not erased.has(template("ann", 2))


def test_who_was_merged_into_an_erased_identity_is_erased_through_any_number_of_moves() -> None:
    first, second, third = template("cid"), template("bob"), template("ann")
    entries = [moved((first, second)), moved((second, third)), erasure("ann", third)]
    assert Erased("lobby", entries).has(first)
    assert Erased("lobby", entries[1:]).has(second)
    assert not Erased("lobby", entries[:2]).has(first)
    assert not Erased("lobby", entries).has(template("cid", 2))


def test_who_was_moved_away_and_back_goes_with_the_identity_they_are_of() -> None:
    ann, bob = template("ann"), template("bob")
    undone = [moved((bob, ann)), moved((ann, bob))]
    assert not Erased("lobby", [*undone, erasure("ann")]).has(bob)
    assert Erased("lobby", [*undone, erasure("bob", bob)]).has(bob)


def test_what_was_moved_out_of_an_identity_is_not_erased_with_it() -> None:
    assert not Erased("lobby", [moved((template("ann"), template("bob"))), erasure("ann")]).has(template("ann"))


def test_an_erasure_before_a_move_to_the_same_name_does_not_reach_what_was_moved_there_later() -> None:
    ann, bob = template("ann"), template("bob")
    assert not Erased("lobby", [erasure("ann", ann), moved((bob, ann))]).has(bob)


def test_an_entry_names_nobody_and_is_read_back_as_it_was_written() -> None:
    ann, bob = template("ann-of-accounting"), template("bob")
    for entry in (erasure("ann-of-accounting", ann), moved((ann, bob)), ledger.erasure_of_gallery("lobby", KEY, NOON)):
        text = json.dumps(record_of_entry(entry))
        assert entry_of_record(json.loads(text), "here") == entry
        assert "accounting" not in text
        assert str(ann.template_id) not in text
        assert ann.image_digest not in text


def test_keys_and_receipts_are_never_the_same() -> None:
    assert ledger.new_key() != ledger.new_key()
    first, second = erasure("ann"), erasure("ann")
    assert isinstance(first.entry_id, UUID)
    assert first.entry_id != second.entry_id
    assert erasure("ann").identity == first.identity
    assert ledger.erasure_of_identity("lobby", ledger.new_key(), NOON, "ann", [uuid4()]).identity != first.identity

"""The ledger of erasures: who of an older copy must not come back, and what it tells of them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from gallery import ledger
from gallery.domain import LedgerEntry, TemplateInfo
from gallery.ledger import Erased, Verdict, judged
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


MINUTE = timedelta(minutes=1)


def judge(info: TemplateInfo, *entries: LedgerEntry) -> Verdict:
    return judged("lobby", entries, info, MINUTE)


def enrolled(info: TemplateInfo, after_noon: timedelta) -> TemplateInfo:
    return replace(info, enrolled_at=NOON + after_noon)


def test_a_template_stays_that_was_not_erased_since_it_was_enrolled() -> None:
    ann = template("ann")
    assert judge(ann) is Verdict.STAYS
    assert judge(ann, erasure("bob")) is Verdict.STAYS
    assert judge(enrolled(ann, 2 * MINUTE), erasure("ann", ann)) is Verdict.STAYS


def test_a_template_was_erased_by_what_the_ledger_has_after_its_enrolment() -> None:
    ann, other = enrolled(template("ann"), -2 * MINUTE), enrolled(template("ann", 2), -2 * MINUTE)
    alone = ledger.erasure_of_templates("lobby", KEY, NOON, [ann.template_id])
    assert judge(ann, erasure("ann", ann)) is Verdict.ERASED
    assert judge(other, erasure("ann", ann)) is Verdict.ERASED, "the whole identity goes"
    assert (judge(ann, alone), judge(other, alone)) == (Verdict.ERASED, Verdict.STAYS)


def test_what_clocks_cannot_tell_apart_is_doubtful() -> None:
    for apart in (-MINUTE / 2, MINUTE / 2):
        assert judge(enrolled(template("ann"), apart), erasure("ann")) is Verdict.DOUBTFUL


def test_what_was_moved_away_is_doubtful_until_it_is_erased_where_it_went() -> None:
    ann, annie = enrolled(template("ann"), -2 * MINUTE), template("annie")
    assert judge(ann, moved((ann, annie))) is Verdict.DOUBTFUL
    assert judge(ann, moved((ann, annie)), erasure("annie", annie)) is Verdict.ERASED
    assert judge(annie, moved((ann, annie))) is Verdict.STAYS


def test_what_was_moved_here_counts_from_then_on() -> None:
    bob, ann = template("bob"), enrolled(template("ann"), -60 * MINUTE)
    before = replace(erasure("ann"), recorded_at=NOON - 30 * MINUTE)
    assert judge(ann, before, moved((bob, ann))) is Verdict.STAYS
    after = replace(erasure("ann"), recorded_at=NOON + 30 * MINUTE)
    assert judge(ann, before, moved((bob, ann)), after) is Verdict.ERASED

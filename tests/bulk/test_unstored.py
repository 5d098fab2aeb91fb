"""Templates on their way into the store."""

import pytest

from gallery.matching import cosine_distance
from gallery.use_cases.unstored import Unstored
from tests.stores.samples import make_template, unit


def test_templates_on_their_way_are_found_until_they_are_taken_out() -> None:
    unstored = Unstored(4)
    assert unstored.near("ann", unit(1)) == ()
    templates = [make_template(name, seed) for seed, name in enumerate(("ann", "ann", "bob", "cid"))]
    for template in templates:
        unstored.add(template)
    by_name = {near.identity_id: near for near in unstored.near("bob", unit(2))}
    distances = [cosine_distance(unit(2), template.embedding) for template in templates]
    other = min((0, 1, 3), key=lambda place: distances[place])
    assert by_name["bob"].distance == pytest.approx(0.0, abs=1e-6)
    assert by_name[templates[other].info.identity_id].distance == pytest.approx(distances[other], abs=1e-6)
    for template in (templates[2], templates[other], templates[2]):
        unstored.discard(template.info.template_id)
    rest = [distances[place] for place in {0, 1, 3} - {other}]
    (near,) = unstored.near("bob", unit(2))
    assert near.distance == pytest.approx(min(rest), abs=1e-6)
    unstored.add(templates[2])
    assert len(unstored.near("bob", unit(2))) == 2

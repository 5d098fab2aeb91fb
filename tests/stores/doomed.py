"""A program that uses a store until it is killed, and says on standard output what was acknowledged to it.

python -m tests.stores.doomed STORE enrol     puts templates of seeds 0, 1, 2 … and prints each seed
python -m tests.stores.doomed STORE erase     erases person-0, person-1 … and prints each number
python -m tests.stores.doomed STORE replace   deletes and creates galleries, and prints each round
python -m tests.stores.doomed STORE merge     moves 50 templates to person-1, person-2 …, and prints each round
python -m tests.stores.doomed STORE compact   erases person-000000 … and compacts, and prints each number
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from gallery.domain import Template
from gallery.edge_store import EdgeStore
from tests.stores.samples import make_gallery, make_template


def whole(number: int) -> list[Template]:
    """Fifty templates of one person."""
    return [make_template(f"person-{number}", seed) for seed in range(50)]


async def main(folder: Path, work: str) -> None:
    store = EdgeStore(folder)
    for number in count():
        if work == "enrol":
            await store.put("main", [make_template(f"person-{number}", number)])
        elif work == "erase":
            await store.delete_identity("main", f"person-{number}")
        elif work == "replace":
            await store.create_gallery(make_gallery(f"fresh-{number}"))
            if number:
                await store.delete_gallery(f"fresh-{number - 1}")
        elif work == "compact":
            await store.delete_identity("main", f"person-{number:06}")
            await store.compact("main")
        elif work == "merge":
            leaving = [each.info.template_id for each in whole(number)]
            await store.move("main", whole(number + 1), leaving)
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

"""A program that uses a store until it is killed, and says on standard output what was acknowledged to it.

python -m tests.stores.doomed STORE enrol     puts templates of seeds 0, 1, 2 … and prints each seed
python -m tests.stores.doomed STORE erase     erases person-0, person-1 … and prints each number
python -m tests.stores.doomed STORE replace   deletes and creates galleries, and prints each round
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from gallery.edge_store import EdgeStore
from tests.stores.samples import make_gallery, make_template


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
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

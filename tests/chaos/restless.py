"""`gallery serve` with a caretaker that never rests, so that compactions are always under way."""

from gallery import server
from gallery.cli import main

if __name__ == "__main__":
    server._SECONDS_BETWEEN_WALKS = 0.02
    main()

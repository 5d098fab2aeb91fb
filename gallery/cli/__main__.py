"""``python -m gallery.cli``, for where the console script is not on the path."""

from gallery.cli import main

main()

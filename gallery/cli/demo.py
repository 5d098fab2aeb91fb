"""x."""

EPILOG = ""


def demo() -> None:
    """Draw people."""

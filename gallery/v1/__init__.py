"""Generated from `protos/gallery/v1`: `make proto` writes it, CI compares it."""

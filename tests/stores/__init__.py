"""The stores: one contract for all of them, and what is each one's own."""

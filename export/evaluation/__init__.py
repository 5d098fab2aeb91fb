"""What a model, or a running service, does on people it never saw."""

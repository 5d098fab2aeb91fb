"""How it is trained: batches, epochs, checkpoints, and each ingredient on and off."""

"""What is trained: backbone, encoder, losses, and the recipe that says how."""

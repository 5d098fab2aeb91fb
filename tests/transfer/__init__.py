"""Galleries moved as wholes."""

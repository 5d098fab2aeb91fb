"""Labelled pictures of people: found, split, looked at and loaded."""

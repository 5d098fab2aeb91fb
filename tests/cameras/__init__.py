"""Tests of what watches cameras and recordings."""

"""Tests of the gallery; the fakes and fixtures they share are modules here."""

"""The identity gallery: who a person is, how near, and whether it is a match."""

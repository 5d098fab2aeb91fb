"""What `gallery enrol` is made of: rows of a source, what is made of each, how they are sent, and what is told.

rows, manifest ─> preparing (a thread: read, hash, leave out what is done) ─> sending ─> tally, report
"""

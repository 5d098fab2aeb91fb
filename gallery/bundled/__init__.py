"""What travels inside a model's file beside its card, under metadata keys of its own; the digest ties it to the model.

cohort      strangers, to calibrate against
directions  what training looked like, so that what is unlike it is known
"""

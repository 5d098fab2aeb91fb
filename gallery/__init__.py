"""The identity gallery: who is this person, how near, and is it a match?"""

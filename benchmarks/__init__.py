"""What the service costs against the least it could: each module measures one part, and runs alone.

    figures   a measured ratio and its reach, the table of them, and the machine they were measured on
    search    the embedded store against brute force over a matrix

Ours and theirs are measured in one run, in turns, so that a noisy machine disturbs both alike.
"""

"""What the service costs against the least it could: each module measures one part, and runs alone.

    __main__    all of it: `python -m benchmarks --help`
    throughput  Identify on streams and by eight callers ┐
    latency     what one caller waits, idle and busy     │
    overload    twice as many calls as can be answered   │ against the loop in this process
    cpu         where the server's CPU time goes         │
    bulk        durable enrolment against embedding      │
    memory      whether the server grows                 ┘
    search      the embedded store against brute force over a matrix
    decode      a large JPEG at a half against the whole
    bench, rig, load, effort   a server, the loop it is held to, those who call it, and how long
    figures     a measured ratio and its reach, the table of them, and the machine they were measured on

Ours and theirs are measured in one run, in turns, so that a noisy machine disturbs both alike.
"""

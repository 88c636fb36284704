"""One way for a job: placed, checked, written, submitted, watched, restarted and costed.

The command line calls this room and prints what it returns.
"""

"""Other engines doing their durable step, each as its own documentation advises.

Each is run on an empty PostgreSQL database as ``python -m benchmarks.peers.NAME HOW URL``, and
prints how many steps a second it did. Filling the database is not timed.
"""

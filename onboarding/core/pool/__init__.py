"""The rules of the pool of pre-verified numbers: a machine of its own for each number."""

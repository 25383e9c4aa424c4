"""The Django app of the comparison: one model."""

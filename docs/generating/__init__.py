"""What makes the generated parts of the documentation, and runs its examples."""

"""Stores of the version gate and of the beats of all processes."""

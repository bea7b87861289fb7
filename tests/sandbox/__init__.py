"""Proofs that the rehearsal town behaves like the providers it stands for."""

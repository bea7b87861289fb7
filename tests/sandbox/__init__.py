"""Tests of sandbox: the simulated networks behave as the providers they stand for."""

"""Tests of backend/delivery: messages on their way to people."""

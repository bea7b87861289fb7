"""Tests of what arrives as a file."""

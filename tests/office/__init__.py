"""Tests of the office: its snapshot, people and phone numbers."""

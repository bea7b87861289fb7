"""Engines, connections, compiled statements, ids, encryption, schema versions."""

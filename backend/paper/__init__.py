"""Reads what arrives as a file: CSV, XLSX, JSONL by content, into clean records or refusals by row and field."""

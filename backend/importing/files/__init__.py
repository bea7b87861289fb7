"""Reads import files (CSV, XLSX, JSONL, told apart by content) into clean records or refusals by row and field."""

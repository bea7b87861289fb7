"""Journal chain, findings, audit log."""

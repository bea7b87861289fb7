"""The application as a process of its own."""

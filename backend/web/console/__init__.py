"""The console: server-rendered pages for staff, with no third-party scripts."""

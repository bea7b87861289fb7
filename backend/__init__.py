"""The hotline office: domain, rooms and doors of jiesu."""

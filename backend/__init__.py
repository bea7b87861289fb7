"""The hotline office: domain, features and adapters of jiesu."""

"""Actions a person can take in chat: one file per subject, all forwarding to a service."""

"""Actions a person can take in chat: one small file each, all forwarding to a service."""

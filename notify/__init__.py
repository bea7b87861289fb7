"""Drivers for chat, voice and SMS: they know how to send, never what; a leaf that imports nothing of ours."""

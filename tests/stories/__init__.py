"""The whole house at work among simulated people: chat, telephones, clock and all; nothing of ours is replaced."""

"""What a person can do in chat: one small file each, all of them only forwarding to a room."""

"""A Telegram Bot API server of ours and the people who hold its phones."""

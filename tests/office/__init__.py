"""What an office keeps and who reads it."""

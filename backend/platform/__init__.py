"""The external platform that holds the record: demands in, moves written back."""

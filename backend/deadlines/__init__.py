"""What time does to tickets: reminders, automatic acts, recomputed limits."""

"""What the official documents decide: pure rules, standard library only, never awaiting, never asking the time."""

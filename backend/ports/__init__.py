"""What the rooms need of the shelves: one protocol a file, implemented by the file of the same name in storage/."""

"""What is amiss: checks of the data and of the journal's chain."""

"""How to speak (cards, edits, calls, texts), never what about: a leaf that imports nothing of the house."""

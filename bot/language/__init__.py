"""What Hearth itself says in rooms, in the languages that a bot may speak."""

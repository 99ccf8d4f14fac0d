"""One queue a room, one turn at a time, from a message to its settled answer."""

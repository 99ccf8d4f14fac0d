"""Hearth: a message in a room becomes an answer in that room."""

"""What the operator says: settings from the environment, bots from ``bots.d/``."""

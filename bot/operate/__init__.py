"""For whoever runs the server: logs, metrics, health, statistics, and upkeep on a schedule."""

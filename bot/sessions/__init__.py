"""Which conversation serves a room: session files, hot, warm and cold, their age and memory."""

"""The Claude Agent SDK behind a small port: options, the child's launch, one conversation.

Only this package imports ``claude_agent_sdk``; foreign exceptions and messages stop here.
"""

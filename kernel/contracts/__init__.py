"""The published language: facts on the logs, messages between services, and the schemas that check both.

By publisher. What stands here is public: a change is a new version, never an edit of an old one.
"""

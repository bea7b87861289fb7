"""A simulated Mattermost server: its REST API v4, its stream, and the people and groups that use it."""

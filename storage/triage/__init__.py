"""Ticket features, dispatch catalogue, governance projects."""

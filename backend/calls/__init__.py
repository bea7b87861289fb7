"""Ringing people: letters that must be told by telephone, return visits, and those who ring back."""

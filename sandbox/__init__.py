"""Rehearsal simulator: a chat network and a phone network on this machine that speak the real wire protocols."""

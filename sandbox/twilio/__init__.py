"""Simulated Twilio account: its REST API, telephones, and the people who answer them."""

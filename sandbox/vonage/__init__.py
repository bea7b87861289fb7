"""Simulated Vonage application: its Voice API, NCCO and signed webhooks, on the telephones of the rehearsal."""

"""A Twilio account of ours: its REST API, its telephones, and the people who pick them up."""

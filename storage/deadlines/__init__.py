"""Open duties and automatic supervision."""

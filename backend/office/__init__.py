"""Who is who and by which rules: settings, calendar, units, people, duty."""

"""What a laboratory measures with tags: arrivals, lifetime, g², rates, dead time, jitter."""

"""From a pin to tags: a tapped delay line, its encoder, and the table that makes codes times."""

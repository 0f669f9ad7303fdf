"""Sound as the sources bring it to one form: mono, 16 kHz, gapless."""

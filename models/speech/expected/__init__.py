"""Words and phrases to be expected, and what decoding makes of them."""

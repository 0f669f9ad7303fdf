"""Sound to text: voice activity, encoding, fusion, decoding."""

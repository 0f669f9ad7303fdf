"""A live run's sound, picture and captions, kept in a file while it goes on."""

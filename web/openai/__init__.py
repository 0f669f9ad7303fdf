"""The addresses that programs for OpenAI's transcription know."""

"""Audio-visual speech: lips that help the recogniser, and the training of their networks."""

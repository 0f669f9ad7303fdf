"""A browser's camera and microphone over WebRTC."""

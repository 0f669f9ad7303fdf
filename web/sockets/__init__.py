"""Sound and pictures from programs, over a WebSocket; the events of their captions back."""

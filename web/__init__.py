"""The web page and its server: captions and emotion for a browser's camera and microphone, over WebRTC."""

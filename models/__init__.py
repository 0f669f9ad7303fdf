"""Networks, the assets they load, and their training. Knows nothing of stages or of the dataflow."""

from __future__ import annotations

import os

# From 1.29 on, onnxruntime's builds for Linux and macOS send usage data to their maker unless this is set before the
# library is loaded: which model was opened, the program's path, the machine. They also leave a device id and a queue of
# what is to be sent in the user's cache. The hub client of faster-whisper adds usage data to what it downloads.
for _refusal in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ[_refusal] = "1"

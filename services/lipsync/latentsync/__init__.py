"""LatentSync 1.5 and 1.6 (bytedance/LatentSync, Apache-2.0): our own inference, streamed chunk by chunk."""

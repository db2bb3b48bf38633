"""A U-Net of LatentSync that is small enough for tests."""

from services.lipsync.latentsync.networks.blocks import UNetConfig

TINY = UNetConfig(block_out_channels=(64, 64, 128, 128), audio_dim=16, attention_heads=4, motion_heads=8, norm_groups=8)

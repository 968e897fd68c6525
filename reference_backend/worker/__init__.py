"""The worker: claims exports, sends heartbeats while it works, completes or releases them."""

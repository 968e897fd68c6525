"""The worker: claims exports, works on them under heartbeats, ends them or gives them back."""

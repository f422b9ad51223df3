"""Plays Agora: sessions with their truth, delivery by Agora's rules, and a verdict on what the status API says."""

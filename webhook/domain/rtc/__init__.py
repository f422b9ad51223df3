"""RTC channels: their lives, who is there, how facts change that."""

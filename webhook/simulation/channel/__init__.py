"""RTC channels as they happen, and how Agora tells of them."""

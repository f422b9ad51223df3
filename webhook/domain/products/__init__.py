"""One module per Agora product: its event table, its vocabulary, and where a payload names its session and channel."""

"""How clients prove themselves by a key: their assertions, each good once, and the keys that they publish."""

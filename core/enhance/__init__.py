"""One frame in, one frame out; starts no thread."""

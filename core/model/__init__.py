"""Networks and their checkpoints: tensors in, tensors out; knows no video."""

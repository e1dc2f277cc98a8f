"""LowLux without a screen: no Qt, no command line, no print.

    closing, errors, frame,     the base everything may use
    settings
    media/                      pictures in and out; knows no network
    model/                      tensors in, tensors out; knows no video
    enhance/                    one frame in, one frame out; starts no thread
    run/                        the only place that starts threads
    training/                   sees only model and the base

The path of a frame: a source yields ``Frame``s on the reader thread, ``Enhancer`` turns each into a
bright one, a writer encodes it on its own thread. Arrows point one way, base <- media, model <-
enhance <- run <- app, and ``tests/test_architecture.py`` holds them to it.
"""

"""One combination in, findings out: driver, CUDA, GPU, image, runtime, flags."""

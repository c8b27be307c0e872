//! Draws, buckets and the packing of layers.

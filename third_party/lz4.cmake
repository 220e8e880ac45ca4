# lz4 content. 1.9.4: a decoder with an allocator.
weir_pkg(WEIR_LZ4 "liblz4>=1.9.4" liblz4-dev)

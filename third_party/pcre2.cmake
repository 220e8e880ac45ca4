# Regular expressions, compiled to machine code.
weir_pkg(WEIR_PCRE2 "libpcre2-8>=10.34" libpcre2-dev)

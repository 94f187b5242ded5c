/* The command line of loadgen; options.c holds the usage text. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

struct options {
    const char *host, *bind_dn, *password, *mode, *base, *filter, *attributes;
    int port, scope, connections, in_flight;
    long range, expect_entries, requests; /* expect_entries -1: any number; requests 0: until the clock says */
    double seconds, warmup;
    uint64_t seed;
};

/* Ends the program with the usage text when the options make no sense. */
struct options options_read(int argc, char **argv);

#endif

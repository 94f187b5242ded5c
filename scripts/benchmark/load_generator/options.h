/* The command line of loadgen; options.c holds the usage text. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

enum mode { SEARCH, CLIMB, BIND, MODIFY, IDLE };

struct options {
    const char *host, *bind_dn, *password, *base, *filter, *attributes, *person_dn, *person_password;
    enum mode mode;
    int port, tls, scope, connections, in_flight, local_addresses;
    long range, expect_entries, requests, page_size, read_bytes; /* expect_entries -1: any number; others 0: not asked for */
    double seconds, warmup;
    uint64_t seed;
};

/* Ends the program with the usage text when the options make no sense. */
struct options options_read(int argc, char **argv);

#endif

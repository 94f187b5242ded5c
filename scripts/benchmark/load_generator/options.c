/* getopt_long(3) and the usage text. */
#define _GNU_SOURCE
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: loadgen --port N [--host ADDRESS] [--tls 0|1] [--bind-dn DN --password-env VARIABLE] [--base DN] [--scope 0..2]\n"
    "       [--mode search|climb|bind|modify|idle] [--filter-template '(uid=user%06d)' --range N] [--attributes a,b] [--page-size N]\n"
    "       [--person-dn 'uid=user%06d,…' --person-password 'secret%06d'] [--connections N] [--in-flight N] [--seconds S |\n"
    "       --requests N] [--warmup S] [--expect-entries N] [--read-bytes N] [--local-addresses N] [--seed N]\n"
    "search: each request asks for a random number below the range (%0Nd its digits, %01d the last one), with --page-size all\n"
    "pages of it. climb: a search, then one for (member=entry) for each entry found, until nothing new comes; counts as one.\n"
    "bind: each request is a bind, as --person-dn or else as --bind-dn. modify: each replaces the one attribute of --attributes at\n"
    "a random --person-dn by a value that was never there. idle: only holds connections. --read-bytes: a second, on each\n"
    "connection: a client that takes its answers slowly. --local-addresses: connect from 127.0.0.1, 127.0.0.2, ….\n"
    "Prints {\"ready\": true} when all connections are open. With --requests the run ends after that many answers. A result\n"
    "code other than 0, and another number of entries than expected, is an error; with errors the exit status is 1.\n";

static const char *const MODES[] = {"search", "climb", "bind", "modify", "idle"};

static void usage(void) {
    fputs(USAGE, stderr);
    exit(2);
}

static enum mode mode_named(const char *name) {
    for (int mode = SEARCH; mode <= IDLE; mode++)
        if (strcmp(name, MODES[mode]) == 0) return (enum mode)mode;
    usage();
    return SEARCH;
}

struct options options_read(int argc, char **argv) {
    struct options opt = {.host = "127.0.0.1", .bind_dn = "", .password = "", .base = "", .filter = "(objectClass=*)",
                          .attributes = "", .person_dn = "", .person_password = "", .scope = 2, .connections = 1, .in_flight = 1,
                          .range = 1, .expect_entries = -1, .seconds = 5, .seed = 1};
    static const struct option names[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"bind-dn", 1, 0, 'D'}, {"password-env", 1, 0, 'w'}, {"mode", 1, 0, 'm'},
        {"base", 1, 0, 'b'}, {"scope", 1, 0, 's'}, {"filter-template", 1, 0, 'f'}, {"range", 1, 0, 'r'}, {"seed", 1, 0, 'e'},
        {"attributes", 1, 0, 'a'}, {"connections", 1, 0, 'c'}, {"in-flight", 1, 0, 'i'}, {"seconds", 1, 0, 't'}, {"tls", 1, 0, 'z'},
        {"requests", 1, 0, 'n'}, {"warmup", 1, 0, 'u'}, {"expect-entries", 1, 0, 'x'}, {"page-size", 1, 0, 'g'},
        {"read-bytes", 1, 0, 'l'}, {"local-addresses", 1, 0, 'o'}, {"person-dn", 1, 0, 'd'}, {"person-password", 1, 0, 'y'},
        {0, 0, 0, 0}};
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (o) {
        case 'h': opt.host = optarg; break;
        case 'p': opt.port = atoi(optarg); break;
        case 'z': opt.tls = atoi(optarg); break;
        case 'D': opt.bind_dn = optarg; break;
        case 'w': opt.password = getenv(optarg) ? getenv(optarg) : ""; break;
        case 'm': opt.mode = mode_named(optarg); break;
        case 'b': opt.base = optarg; break;
        case 's': opt.scope = atoi(optarg); break;
        case 'f': opt.filter = optarg; break;
        case 'r': opt.range = atol(optarg); break;
        case 'e': opt.seed = strtoull(optarg, NULL, 10) * 2 + 1; break; /* xorshift must not start at 0 */
        case 'a': opt.attributes = optarg; break;
        case 'g': opt.page_size = atol(optarg); break;
        case 'd': opt.person_dn = optarg; break;
        case 'y': opt.person_password = optarg; break;
        case 'c': opt.connections = atoi(optarg); break;
        case 'i': opt.in_flight = atoi(optarg); break;
        case 'o': opt.local_addresses = atoi(optarg); break;
        case 'l': opt.read_bytes = atol(optarg); break;
        case 't': opt.seconds = atof(optarg); break;
        case 'n': opt.requests = atol(optarg); break;
        case 'u': opt.warmup = atof(optarg); break;
        case 'x': opt.expect_entries = atol(optarg); break;
        default: usage();
        }
    }
    if (optind != argc || !opt.port || opt.range < 1 || opt.connections < 1 || opt.in_flight < 1 || opt.in_flight > 4096 ||
        opt.local_addresses > 254 || (opt.mode == BIND && opt.in_flight > 1) ||
        (opt.mode == MODIFY && (!*opt.attributes || !*opt.person_dn))) /* RFC 4511 4.2.1: nothing beside a bind */
        usage();
    return opt;
}

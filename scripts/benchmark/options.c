/* Reading the command line. The password comes from the environment: arguments are visible to every user of the machine. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "loadgen --port P [--host 127.0.0.1] [--bind-dn DN --password-env NAME] [--mode search|bind|idle]\n"
    "  [--base DN] [--scope 0|1|2] [--filter-template '(uid=user%06d)'] [--range N] [--seed N] [--attributes a,b]\n"
    "  [--connections N] [--in-flight M] [--seconds S | --requests N] [--warmup S] [--expect-entries N]\n"
    "search: each request asks for a random number below N; bind: each request is a bind as DN; idle: only holds connections.\n"
    "With --requests the run ends after that many answers. A result code other than 0, and a search that returns another\n"
    "number of entries than expected, is an error; with errors the exit status is 1.\n";

struct options options_read(int argc, char **argv) {
    struct options opt = {.host = "127.0.0.1", .bind_dn = "", .password = "", .mode = "search", .base = "",
                          .filter = "(objectClass=*)", .attributes = "", .scope = 2, .connections = 1, .in_flight = 1,
                          .range = 1, .expect_entries = -1, .seconds = 5, .seed = 1};
    static const struct option names[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"bind-dn", 1, 0, 'D'}, {"password-env", 1, 0, 'w'}, {"mode", 1, 0, 'm'},
        {"base", 1, 0, 'b'}, {"scope", 1, 0, 's'}, {"filter-template", 1, 0, 'f'}, {"range", 1, 0, 'r'}, {"seed", 1, 0, 'e'},
        {"attributes", 1, 0, 'a'}, {"connections", 1, 0, 'c'}, {"in-flight", 1, 0, 'i'}, {"seconds", 1, 0, 't'},
        {"requests", 1, 0, 'n'}, {"warmup", 1, 0, 'u'}, {"expect-entries", 1, 0, 'x'}, {0, 0, 0, 0}};
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (o) {
        case 'h': opt.host = optarg; break;
        case 'p': opt.port = atoi(optarg); break;
        case 'D': opt.bind_dn = optarg; break;
        case 'w': opt.password = getenv(optarg) ? getenv(optarg) : ""; break;
        case 'm': opt.mode = optarg; break;
        case 'b': opt.base = optarg; break;
        case 's': opt.scope = atoi(optarg); break;
        case 'f': opt.filter = optarg; break;
        case 'r': opt.range = atol(optarg); break;
        case 'e': opt.seed = strtoull(optarg, NULL, 10) * 2 + 1; break; /* xorshift must not start at 0 */
        case 'a': opt.attributes = optarg; break;
        case 'c': opt.connections = atoi(optarg); break;
        case 'i': opt.in_flight = atoi(optarg); break;
        case 't': opt.seconds = atof(optarg); break;
        case 'n': opt.requests = atol(optarg); break;
        case 'u': opt.warmup = atof(optarg); break;
        case 'x': opt.expect_entries = atol(optarg); break;
        default: fputs(USAGE, stderr); exit(2);
        }
    }
    int search = strcmp(opt.mode, "search") == 0, bind = strcmp(opt.mode, "bind") == 0;
    int known = search || bind || strcmp(opt.mode, "idle") == 0;
    if (!known || optind != argc || !opt.port || opt.range < 1 || opt.connections < 1 || opt.in_flight < 1 || opt.in_flight > 4096 ||
        (bind && opt.in_flight > 1)) {  /* RFC 4511 4.2.1: nothing beside a bind on its connection */
        fputs(USAGE, stderr);
        exit(2);
    }
    return opt;
}

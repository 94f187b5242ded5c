/* A load generator for LDAP servers that costs so little itself that the server is what is measured: one thread, epoll,
 * requests encoded beforehand, answers read by their headers only, one write per read. Prints one JSON line; see usage. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "latency.h"
#include "options.h"
#include "request.h"

enum { READ_BYTES = 128 * 1024, MAX_EVENTS = 256, REPLY_SECONDS = 60 };
enum { TAG_BIND_RESPONSE = 0x61, TAG_ENTRY = 0x64, TAG_DONE = 0x65, TAG_REFERENCE = 0x73 };

struct slot {
    uint32_t id, generation;
    uint64_t sent_ns, entries;
};

struct connection {
    int fd, watching_output;
    unsigned char *in, *out;
    size_t in_size, in_used, out_size, out_used;
    struct slot *slots;
};

static struct {
    uint64_t started_ns, requests, entries, bytes, errors, slowest_ns;
    struct latencies latencies;
    double cpu_seconds;
    char first_error[200];
} run;

static struct request request;
static struct options opt;
static long still_to_send = -1; /* -1: no end but the clock's */
static int epoll_fd;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what) {
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void note_error(const char *what, long value) {
    if (run.errors++ == 0) snprintf(run.first_error, sizeof run.first_error, "%s %ld", what, value);
}

static uint64_t random_number(void) { /* xorshift64*, Vigna 2016 */
    opt.seed ^= opt.seed >> 12;
    opt.seed ^= opt.seed << 25;
    opt.seed ^= opt.seed >> 27;
    return (opt.seed * 2685821657736338717u) >> 16;
}

/* One BER header: the tag, and where the value starts and stops. 0 when bytes are missing, -1 when it is not BER for LDAP. */
static int read_header(const unsigned char *p, size_t n, unsigned char *tag, size_t *start, size_t *stop) {
    if (n < 2) return 0;
    size_t length = p[1], at = 2;
    if (length & 0x80) {
        size_t octets = length & 0x7f;
        if (octets == 0 || octets > 4) return -1;
        if (n < 2 + octets) return 0;
        for (length = 0; at < 2 + octets; at++) length = length << 8 | p[at];
    }
    *tag = p[0];
    *start = at;
    *stop = at + length;
    return 1;
}

static void queue(struct connection *c, struct slot *s) {
    if (still_to_send == 0) return;
    if (still_to_send > 0) still_to_send--;
    uint32_t count = (uint32_t)opt.in_flight, index = (uint32_t)(s - c->slots);
    s->generation = (s->generation + 1) % ((LAST_ID - FIRST_ID) / count);
    s->id = FIRST_ID + s->generation * count + index;
    s->entries = 0;
    s->sent_ns = now_ns();
    request_set(&request, s->id, random_number() % (uint64_t)opt.range);
    memcpy(c->out + c->out_used, request.bytes, request.length);
    c->out_used += request.length;
}

static void watch(struct connection *c, int operation, int output) {
    struct epoll_event e = {.events = EPOLLIN | (output ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->fd, &e) < 0) die("epoll_ctl");
    c->watching_output = output;
}

static void flush(struct connection *c) {
    ssize_t n = c->out_used ? write(c->fd, c->out, c->out_used) : 0;
    if (n < 0 && errno != EAGAIN) die("write");
    if (n > 0) memmove(c->out, c->out + n, c->out_used -= (size_t)n);
    if ((c->out_used > 0) != c->watching_output) watch(c, EPOLL_CTL_MOD, c->out_used > 0);
}

static void finished(struct connection *c, struct slot *s, long code, uint64_t at_ns) {
    uint64_t took = at_ns > s->sent_ns ? at_ns - s->sent_ns : 0;
    if (code != 0) note_error("result code", code);
    else if (opt.expect_entries >= 0 && s->entries != (uint64_t)opt.expect_entries) note_error("entries in one answer:", (long)s->entries);
    run.requests++;
    latency_add(&run.latencies, took);
    if (took > run.slowest_ns) run.slowest_ns = took;
    s->id = 0;
    queue(c, s);
}

/* One whole LDAPMessage whose value is p[0 .. n): its id, its operation, and for a result its code. */
static void answer(struct connection *c, const unsigned char *p, size_t n, uint64_t at_ns) {
    unsigned char tag;
    size_t start, stop, inner, end;
    uint32_t id = 0;
    if (read_header(p, n, &tag, &start, &stop) != 1 || tag != 0x02 || stop > n) { note_error("no message id, tag", p[0]); return; }
    for (size_t i = start; i < stop; i++) id = id << 8 | p[i];
    struct slot *s = &c->slots[id >= FIRST_ID ? (id - FIRST_ID) % (uint32_t)opt.in_flight : 0];
    p += stop, n -= stop;
    if (s->id != id || read_header(p, n, &tag, &start, &stop) != 1) { note_error("an answer to nothing, id", id); return; }
    if (tag == TAG_ENTRY) {
        run.entries++;
        s->entries++;
    } else if (tag == TAG_DONE || tag == TAG_BIND_RESPONSE) {
        int known = read_header(p + start, n - start, &tag, &inner, &end) == 1 && end - inner == 1 && end <= n - start;
        finished(c, s, known ? p[start + inner] : -1, at_ns);
    } else if (tag != TAG_REFERENCE) {
        note_error("an unexpected operation, tag", tag);
    }
}

/* Read once and handle every whole message; what is left of one stays for the next time. 0 when the server has closed. */
static int receive(struct connection *c) {
    ssize_t got = read(c->fd, c->in + c->in_used, c->in_size - c->in_used);
    if (got < 0 && errno == EAGAIN) return 1;
    if (got <= 0) return 0;
    uint64_t at_ns = now_ns();
    size_t at = 0, start, stop;
    unsigned char tag;
    c->in_used += (size_t)got;
    run.bytes += (uint64_t)got;
    for (;;) {
        int state = read_header(c->in + at, c->in_used - at, &tag, &start, &stop);
        if (state < 0 || (state > 0 && tag != 0x30)) { note_error("not an LDAPMessage, tag", c->in[at]); return 0; }
        if (state > 0 && stop > c->in_size && !(c->in = realloc(c->in, c->in_size = stop * 2))) die("memory");
        if (state == 0 || stop > c->in_used - at) break;
        answer(c, c->in + at + start, stop - start, at_ns);
        at += stop;
    }
    memmove(c->in, c->in + at, c->in_used -= at);
    flush(c);
    return 1;
}

static void wait_readable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, REPLY_SECONDS * 1000) != 1) die("no answer from the server");
}

static void bind_once(struct connection *c) {
    struct request bind;
    request_bind(&bind, opt.bind_dn, opt.password);
    request_set(&bind, FIRST_ID, 0);
    if (write(c->fd, bind.bytes, bind.length) != (ssize_t)bind.length) die("write");
    unsigned char reply[4096], tag;
    size_t used = 0, start, stop, outer;
    do {
        wait_readable(c->fd);
        ssize_t got = read(c->fd, reply + used, sizeof reply - used);
        if (got <= 0) die("the server closed the connection at the bind");
        used += (size_t)got;
    } while (read_header(reply, used, &tag, &start, &stop) != 1 || used < stop);
    outer = start + 5; /* behind our three byte message id and its header */
    if (read_header(reply + outer, used - outer, &tag, &start, &stop) != 1 || reply[outer + start + 2] != 0) {
        fprintf(stderr, "loadgen: the bind as %s failed with result code %d\n", opt.bind_dn, reply[outer + start + 2]);
        exit(2);
    }
}

static void open_connection(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    int on = 1;
    if (inet_pton(AF_INET, opt.host, &to.sin_addr) != 1) die(opt.host);
    if ((c->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0) die("socket");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (*opt.bind_dn) bind_once(c);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) die("fcntl");
    c->in_size = strcmp(opt.mode, "idle") == 0 ? 4096 : READ_BYTES;
    c->out_size = (size_t)opt.in_flight * request.length;
    c->in = malloc(c->in_size);
    c->out = malloc(c->out_size + 1);
    c->slots = calloc((size_t)opt.in_flight, sizeof *c->slots);
    if (!c->in || !c->out || !c->slots) die("memory");
    watch(c, EPOLL_CTL_ADD, 0);
}

static void start_measuring(void) {
    memset(&run, 0, sizeof run);
    run.started_ns = now_ns();
    run.cpu_seconds = cpu_seconds();
}

static void drive(struct connection *connections) {
    struct epoll_event events[MAX_EVENTS];
    uint64_t measure_from = now_ns() + (uint64_t)(opt.warmup * 1e9), last_news = now_ns();
    uint64_t end = opt.requests ? UINT64_MAX : measure_from + (uint64_t)(opt.seconds * 1e9);
    int idle = strcmp(opt.mode, "idle") == 0, measuring = 0;
    for (int i = 0; !idle && i < opt.connections; i++) {
        for (int k = 0; k < opt.in_flight; k++) queue(&connections[i], &connections[i].slots[k]);
        flush(&connections[i]);
    }
    for (;;) {
        int n = epoll_wait(epoll_fd, events, MAX_EVENTS, 10);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) flush(c);
            if ((events[i].events & ~(unsigned)EPOLLOUT) && !receive(c)) {
                note_error("the server closed a connection; requests so far:", (long)run.requests);
                return;
            }
        }
        uint64_t now = now_ns();
        if (n > 0) last_news = now;
        if (!measuring && now >= measure_from && !opt.requests) start_measuring(), measuring = 1;
        if (now >= end || (opt.requests && run.requests >= (uint64_t)opt.requests)) return;
        if (!idle && now - last_news > REPLY_SECONDS * 1000000000ull) { note_error("seconds without an answer:", REPLY_SECONDS); return; }
    }
}

static void report(void) {
    double seconds = (double)(now_ns() - run.started_ns) / 1e9;
    printf("{\"requests\": %llu, \"entries\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"per_second\": %.1f, "
           "\"entries_per_second\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f, \"errors\": %llu, "
           "\"client_cpu_seconds\": %.3f, \"first_error\": \"%s\"}\n",
           (unsigned long long)run.requests, (unsigned long long)run.entries, (unsigned long long)run.bytes, seconds,
           (double)run.requests / seconds, (double)run.entries / seconds, latency_us(&run.latencies, 0.5), latency_us(&run.latencies, 0.99),
           (double)run.slowest_ns / 1e3, (unsigned long long)run.errors, cpu_seconds() - run.cpu_seconds, run.first_error);
}

int main(int argc, char **argv) {
    opt = options_read(argc, argv);
    if (strcmp(opt.mode, "bind") == 0) request_bind(&request, opt.bind_dn, opt.password);
    else request_search(&request, opt.base, opt.scope, opt.filter, opt.attributes);
    if (opt.requests) still_to_send = opt.requests;
    if ((epoll_fd = epoll_create1(0)) < 0) die("epoll");
    struct connection *connections = calloc((size_t)opt.connections, sizeof *connections);
    if (!connections) die("memory");
    for (int i = 0; i < opt.connections; i++) open_connection(&connections[i]);
    start_measuring();
    drive(connections);
    report();
    return run.errors != 0;
}

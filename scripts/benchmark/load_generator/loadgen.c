/* A load generator for LDAP servers that costs so little itself that the server is what is measured: one thread, epoll,
 * requests encoded beforehand, answers read by their headers only, one write per read. Prints JSON lines; see usage. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ber.h"
#include "job.h"
#include "latency.h"
#include "options.h"
#include "request.h"
#include "transport.h"

enum { READ_BYTES = 128 * 1024, IDLE_READ_BYTES = 256, MAX_EVENTS = 256, REPLY_SECONDS = 60 };
enum { SLOW_TICKS = 10, SLOW_RECEIVE_BYTES = 32 * 1024 }; /* a slow reader reads so often a second, and the kernel holds little */
enum { TAG_BIND_RESPONSE = 0x61, TAG_ENTRY = 0x64, TAG_DONE = 0x65, TAG_MODIFY_RESPONSE = 0x67, TAG_REFERENCE = 0x73 };

struct slot {
    uint32_t id, generation;
    uint64_t sent_ns;
    struct job job;
};

struct connection {
    struct transport transport;
    int watching_output;
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
static struct search search;
static struct options opt;
static long still_to_send = -1; /* -1: no end but the clock's */
static uint64_t values_written; /* by modifies; begins with the clock, so that no run writes another's values */
static int epoll_fd;
static volatile sig_atomic_t stopping; /* SIGTERM: report what there is */

static void stop(int number) { stopping = number; }

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

/* Give the request an id that this connection has not used lately, and put it behind what is still to be written. */
static void send_request(struct connection *c, struct slot *s, struct request *r, uint64_t number) {
    uint32_t count = (uint32_t)opt.in_flight, index = (uint32_t)(s - c->slots);
    s->generation = (s->generation + 1) % ((LAST_ID - FIRST_ID) / count);
    s->id = FIRST_ID + s->generation * count + index;
    request_set(r, s->id, number, ++values_written);
    if (c->out_used + r->length > c->out_size && !(c->out = realloc(c->out, c->out_size = 2 * (c->out_used + r->length))))
        die("memory");
    memcpy(c->out + c->out_used, r->bytes, r->length);
    c->out_used += r->length;
}

static void begin_job(struct connection *c, struct slot *s) {
    if (still_to_send == 0) return;
    if (still_to_send > 0) still_to_send--;
    job_begin(&s->job);
    s->sent_ns = now_ns();
    send_request(c, s, &request, random_number() % (uint64_t)opt.range);
}

static void watch(struct connection *c, int operation, int output) {
    struct epoll_event e = {.events = EPOLLIN | (output ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->transport.fd, &e) < 0) die("epoll_ctl");
    c->watching_output = output;
}

/* 0 when the server has closed. A slow reader's connection is not watched: it is written to when it is read. */
static int flush(struct connection *c) {
    ssize_t n = c->out_used ? transport_write(&c->transport, c->out, c->out_used) : 0;
    if (n < 0 && errno != EAGAIN) return 0;
    if (n > 0) memmove(c->out, c->out + n, c->out_used -= (size_t)n);
    if (!opt.read_bytes && (c->out_used > 0) != c->watching_output) watch(c, EPOLL_CTL_MOD, c->out_used > 0);
    return 1;
}

static void finish_job(struct connection *c, struct slot *s, long code, uint64_t at_ns) {
    uint64_t took = at_ns > s->sent_ns ? at_ns - s->sent_ns : 0;
    if (code != 0) note_error("result code", code);
    else if (opt.expect_entries >= 0 && s->job.entries != (uint64_t)opt.expect_entries)
        note_error("entries in one answer:", (long)s->job.entries);
    run.requests++;
    latency_add(&run.latencies, took);
    if (took > run.slowest_ns) run.slowest_ns = took;
    s->id = 0;
    begin_job(c, s);
}

/* The result of one request: p[0 .. n) is the operation's value and what follows it, `controls` is where the value ends. */
static void result(struct connection *c, struct slot *s, const unsigned char *p, size_t n, size_t controls, uint64_t at_ns) {
    struct element code;
    int known = ber_read(p, n, &code) == 1 && code.stop - code.start == 1 && code.stop <= n;
    struct request next;
    if (opt.page_size) job_page(&s->job, p + controls, n - controls);
    if (known && p[code.start] == 0 && (opt.page_size || opt.mode == CLIMB) && job_next(&s->job, &search, &next))
        send_request(c, s, &next, 0);
    else
        finish_job(c, s, known ? p[code.start] : -1, at_ns);
}

/* One whole LDAPMessage whose value is p[0 .. n): its id, its operation, and for a result its code. */
static void answer(struct connection *c, const unsigned char *p, size_t n, uint64_t at_ns) {
    struct element e;
    uint32_t id = 0;
    if (!ber_expect(p, n, 0x02, &e)) { note_error("no message id, tag", p[0]); return; }
    for (size_t i = e.start; i < e.stop; i++) id = id << 8 | p[i];
    struct slot *s = &c->slots[id >= FIRST_ID ? (id - FIRST_ID) % (uint32_t)opt.in_flight : 0];
    p += e.stop, n -= e.stop;
    if (s->id != id || ber_read(p, n, &e) != 1 || e.stop > n) { note_error("an answer to nothing, id", id); return; }
    if (e.tag == TAG_ENTRY) {
        run.entries++;
        if (!job_entry(&s->job, p + e.start, e.stop - e.start, opt.mode == CLIMB)) note_error("an entry that a climb cannot take", 0);
    } else if (e.tag == TAG_DONE || e.tag == TAG_BIND_RESPONSE || e.tag == TAG_MODIFY_RESPONSE) {
        result(c, s, p + e.start, n - e.start, e.stop - e.start, at_ns);
    } else if (e.tag != TAG_REFERENCE) {
        note_error("an unexpected operation, tag", e.tag);
    }
}

/* Handle every whole message that was read; what is left of one stays for the next time. 0 when it is not LDAP. */
static int answers(struct connection *c, uint64_t at_ns) {
    size_t at = 0;
    struct element e;
    for (;;) {
        int state = ber_read(c->in + at, c->in_used - at, &e);
        if (state < 0 || (state > 0 && e.tag != 0x30)) { note_error("not an LDAPMessage, tag", c->in[at]); return 0; }
        if (state > 0 && e.stop > c->in_size && !(c->in = realloc(c->in, c->in_size = e.stop * 2))) die("memory");
        if (state == 0 || e.stop > c->in_used - at) break;
        answer(c, c->in + at + e.start, e.stop - e.start, at_ns);
        at += e.stop;
    }
    memmove(c->in, c->in + at, c->in_used -= at);
    return 1;
}

/* Read at most `limit` bytes and handle them. 0 when the server has closed. */
static int receive(struct connection *c, size_t limit) {
    size_t room;
    ssize_t got;
    do { /* again while the buffer was filled: TLS may hold more, of which epoll knows nothing */
        room = c->in_size - c->in_used < limit ? c->in_size - c->in_used : limit;
        got = transport_read(&c->transport, c->in + c->in_used, room);
        if (got < 0 && errno == EAGAIN) return 1;
        if (got <= 0) return 0;
        c->in_used += (size_t)got;
        run.bytes += (uint64_t)got;
        if (!answers(c, now_ns())) return 0;
    } while (c->transport.tls && (size_t)got == room && room < limit);
    return flush(c);
}

static void wait_readable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, REPLY_SECONDS * 1000) != 1) die("no answer from the server");
}

static void bind_once(struct connection *c) {
    struct request bind;
    struct element message, response, code;
    request_bind(&bind, opt.bind_dn, opt.password, 0);
    request_set(&bind, FIRST_ID, 0, 0);
    if (transport_write(&c->transport, bind.bytes, bind.length) != (ssize_t)bind.length) die("write");
    unsigned char reply[4096];
    size_t used = 0, outer;
    do {
        if (!c->transport.tls) wait_readable(c->transport.fd);
        ssize_t got = c->transport.tls ? transport_read(&c->transport, reply + used, 1) : read(c->transport.fd, reply + used, sizeof reply - used);
        if (got <= 0) die("the server closed the connection at the bind");
        used += (size_t)got;
    } while (ber_read(reply, used, &message) != 1 || used < message.stop);
    outer = message.start + 5; /* behind our three byte message id and its header */
    int known = ber_expect(reply + outer, used - outer, TAG_BIND_RESPONSE, &response) &&
                ber_expect(reply + outer + response.start, response.stop - response.start, 0x0a, &code);
    int result_code = known ? reply[outer + response.start + code.start] : -1;
    if (result_code == 0) return;
    fprintf(stderr, "loadgen: the bind as %s failed with result code %d\n", opt.bind_dn, result_code);
    exit(2);
}

static void open_connection(struct connection *c, int number) {
    char from[32];
    struct address to = {.host = opt.host, .port = opt.port, .tls = opt.tls, .receive_bytes = opt.read_bytes ? SLOW_RECEIVE_BYTES : 0};
    if (opt.local_addresses) {
        snprintf(from, sizeof from, "127.0.0.%d", 1 + number % opt.local_addresses);
        to.from = from;
    }
    if (transport_open(&c->transport, &to) < 0) die("connect");
    if (*opt.bind_dn) bind_once(c);
    if (transport_nonblocking(&c->transport) < 0) die("fcntl");
    c->in_size = opt.mode == IDLE ? IDLE_READ_BYTES : READ_BYTES;
    c->out_size = (size_t)opt.in_flight * request.length + 1;
    c->in = malloc(c->in_size);
    c->out = malloc(c->out_size);
    c->slots = calloc((size_t)opt.in_flight, sizeof *c->slots);
    if (!c->in || !c->out || !c->slots) die("memory");
    if (!opt.read_bytes) watch(c, EPOLL_CTL_ADD, 0);
}

static void start_measuring(void) {
    memset(&run, 0, sizeof run);
    run.started_ns = now_ns();
    run.cpu_seconds = cpu_seconds();
}

static int closed(void) {
    note_error("the server closed a connection; requests so far:", (long)run.requests);
    return 0;
}

/* Wait for what has come, and handle it. 0 when a connection has ended; `news` is how many had something to say. */
static int turn(int *news) {
    struct epoll_event events[MAX_EVENTS];
    *news = epoll_wait(epoll_fd, events, MAX_EVENTS, 10);
    if (*news < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < *news; i++) {
        struct connection *c = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) && !flush(c)) return closed();
        if ((events[i].events & ~(unsigned)EPOLLOUT) && !receive(c, SIZE_MAX)) return closed();
    }
    return 1;
}

/* Each connection takes its share of a second's bytes, whatever waits for it. */
static int slow_turn(struct connection *connections, int *news) {
    *news = 1;
    usleep(1000000 / SLOW_TICKS);
    for (int i = 0; i < opt.connections; i++)
        if (!flush(&connections[i]) || !receive(&connections[i], (size_t)opt.read_bytes / SLOW_TICKS + 1)) return closed();
    return 1;
}

static void drive(struct connection *connections) {
    uint64_t measure_from = now_ns() + (uint64_t)(opt.warmup * 1e9), last_news = now_ns();
    uint64_t end = opt.requests ? UINT64_MAX : measure_from + (uint64_t)(opt.seconds * 1e9);
    int measuring = 0, news;
    for (int i = 0; opt.mode != IDLE && i < opt.connections; i++) {
        for (int k = 0; k < opt.in_flight; k++) begin_job(&connections[i], &connections[i].slots[k]);
        if (!flush(&connections[i])) die("write");
    }
    while (opt.read_bytes ? slow_turn(connections, &news) : turn(&news)) {
        uint64_t now = now_ns();
        if (news > 0) last_news = now;
        if (!measuring && now >= measure_from && !opt.requests) start_measuring(), measuring = 1;
        if (stopping || now >= end || (opt.requests && run.requests >= (uint64_t)opt.requests)) return;
        if (opt.mode != IDLE && now - last_news > REPLY_SECONDS * 1000000000ull) {
            note_error("seconds without an answer:", REPLY_SECONDS);
            return;
        }
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
    search = (struct search){.base = opt.base, .filter = opt.filter, .attributes = opt.attributes, .scope = opt.scope, .page_size = opt.page_size};
    signal(SIGPIPE, SIG_IGN);
    values_written = (uint64_t)time(NULL) * 1000000;
    if (opt.mode == MODIFY) request_modify(&request, opt.person_dn, opt.attributes);
    else if (opt.mode != BIND) request_search(&request, &search);
    else if (*opt.person_dn) request_bind(&request, opt.person_dn, opt.person_password, 1);
    else request_bind(&request, opt.bind_dn, opt.password, 0);
    if (opt.requests) still_to_send = opt.requests;
    if ((epoll_fd = epoll_create1(0)) < 0) die("epoll");
    struct connection *connections = calloc((size_t)opt.connections, sizeof *connections);
    if (!connections) die("memory");
    for (int i = 0; i < opt.connections; i++) open_connection(&connections[i], i);
    signal(SIGTERM, stop);
    puts("{\"ready\": true}");
    fflush(stdout);
    start_measuring();
    drive(connections);
    report();
    return run.errors != 0;
}

/* A histogram of durations in constant memory. */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

/* Buckets of 1/32 octave: a percentile is right to 3 percent from 1 ns to 1,000 s. */
enum { LATENCY_BUCKETS = 42 * 32 };

struct latencies {
    uint64_t count, buckets[LATENCY_BUCKETS];
};

void latency_add(struct latencies *l, uint64_t nanoseconds);

/* The duration in microseconds that `share` (0 to 1) of all stay below; 0 when there is none. */
double latency_us(const struct latencies *l, double share);

#endif

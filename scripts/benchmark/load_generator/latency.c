/* Log-linear buckets: the octave of a duration, and its next five bits. */
#include "latency.h"

static int bucket_of(uint64_t ns) {
    if (ns < 32) return (int)ns;
    int octave = 63 - __builtin_clzll(ns);
    int index = (octave - 4) * 32 + (int)((ns >> (octave - 5)) & 31);
    return index < LATENCY_BUCKETS ? index : LATENCY_BUCKETS - 1;
}

static double bucket_us(int index) { /* the middle of the bucket */
    if (index < 32) return index / 1e3;
    int octave = index / 32 + 4;
    return (double)((32u + (unsigned)index % 32u) * 2u + 1u) * (double)(1ull << (octave - 5)) / 2e3;
}

void latency_add(struct latencies *l, uint64_t nanoseconds) {
    l->count++;
    l->buckets[bucket_of(nanoseconds)]++;
}

double latency_us(const struct latencies *l, double share) {
    uint64_t wanted = (uint64_t)(share * (double)l->count), seen = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];
        if (seen > wanted) return bucket_us(i);
    }
    return 0;
}

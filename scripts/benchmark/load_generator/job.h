/* What is timed as one: a search; all pages of a paged search; or a climb, the searches of a client that asks for the groups
 * of somebody, for the groups of each of these, and so on: what a directory without the in-chain rule demands of it. */
#ifndef JOB_H
#define JOB_H

#include "request.h"

struct job {
    uint64_t entries;
    char *cookie;
    size_t cookie_length;
    char *names[64]; /* of a climb: entries whose groups have not been asked for yet */
    int name_count;
};

/* Forget everything; the job's first search is the caller's. */
void job_begin(struct job *job);

/* Count an entry: p[0 .. n) is the value of a SearchResultEntry. `climb`: keep its name. 0 when it cannot be read. */
int job_entry(struct job *job, const unsigned char *p, size_t n, int climb);

/* Take the cookie out of the controls behind a SearchResultDone: p[0 .. n), empty when there are none. */
void job_page(struct job *job, const unsigned char *p, size_t n);

/* Whether another search belongs to the job; it is written to `next`, everything but filter and cookie from `search`. */
int job_next(struct job *job, const struct search *search, struct request *next);

#endif

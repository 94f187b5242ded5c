/* The names and cookies that lead from one search of a job to its next. */
#define _GNU_SOURCE
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ber.h"

void job_begin(struct job *job) {
    while (job->name_count) free(job->names[--job->name_count]);
    free(job->cookie);
    job->cookie = NULL, job->cookie_length = 0, job->entries = 0;
}

/* SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName LDAPDN, attributes } */
int job_entry(struct job *job, const unsigned char *p, size_t n, int climb) {
    struct element name;
    job->entries++;
    if (!climb) return 1;
    if (!ber_expect(p, n, 0x04, &name) || job->name_count == sizeof job->names / sizeof *job->names) return 0;
    job->names[job->name_count] = strndup((const char *)p + name.start, name.stop - name.start);
    return job->names[job->name_count++] != NULL;
}

/* LDAPResult is followed by controls [0] SEQUENCE OF Control, the first of which is the answer of RFC 2696. */
void job_page(struct job *job, const unsigned char *p, size_t n) {
    static const unsigned char way[] = {0xa0, 0x30, 0x04};
    struct element e;
    free(job->cookie);
    job->cookie = NULL, job->cookie_length = 0;
    for (size_t i = 0; i < sizeof way; i++) { /* controls, the first control, its type */
        if (!ber_expect(p, n, way[i], &e)) return;
        n = i + 1 < sizeof way ? e.stop - e.start : n - e.stop;
        p += i + 1 < sizeof way ? e.start : e.stop;
    }
    if (ber_expect(p, n, 0x01, &e)) p += e.stop, n -= e.stop;                               /* criticality */
    if (!ber_expect(p, n, 0x04, &e)) return;                                                /* controlValue */
    p += e.start, n = e.stop - e.start;
    if (!ber_expect(p, n, 0x30, &e)) return;
    p += e.start, n = e.stop - e.start;
    if (!ber_expect(p, n, 0x02, &e)) return;                                                /* size */
    p += e.stop, n -= e.stop;
    if (!ber_expect(p, n, 0x04, &e) || e.stop == e.start) return;                           /* cookie; empty: the last page */
    if (!(job->cookie = malloc(e.stop - e.start))) return;
    memcpy(job->cookie, p + e.start, job->cookie_length = e.stop - e.start);
}

int job_next(struct job *job, const struct search *search, struct request *next) {
    struct search again = *search;
    char filter[MAX_REQUEST_BYTES];
    if (job->cookie) {
        again.cookie = job->cookie, again.cookie_length = job->cookie_length;
    } else if (job->name_count) {
        char *name = job->names[--job->name_count];
        snprintf(filter, sizeof filter, "(member=%s)", name);
        free(name);
        again.filter = filter;
    } else {
        return 0;
    }
    request_search(next, &again);
    return 1;
}

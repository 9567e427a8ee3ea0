/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The alert book: one incident is one alert. A detector opens an incident under its key as soon as
 * its rule says so, adds to it as long as it goes on, and the book makes few words of that: raised
 * at once, updated when it gets worse and after 1, 5, 30 minutes, then hourly, cleared when it has
 * been quiet for as long as its kind asks, or at once when it is known to be over.
 *
 * What comes back within half an hour after it was cleared is raised under its old number, and has
 * to be quiet for twice as long each time. Of each kind BOOK_OPEN incidents are open at most that
 * were opened with the same severity, so that a flood of small ones leaves room for a grave one;
 * what goes beyond is counted, and told with the next word of that kind (the fact "folded").
 *
 * Severity is what the detector says and only rises, but an incident whose peers are not proven is
 * never told to be blocked: detectors write advice that holds to that.
 */
#ifndef RSTWATCH_BOOK_H
#define RSTWATCH_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "alert.h"
#include "table.h"

#define BOOK_OPEN      20   /* of a kind, and as severe when opened */
#define BOOK_INCIDENTS 1024 /* open, or cleared within half an hour; a power of two */

/* Zero what does not matter; no hidden padding. */
struct book_key {
	uint8_t peer[16];  /* who does it; 0: many, or nobody */
	uint8_t local[16]; /* 0: any address */
	uint32_t netns;
	uint32_t process; /* its number */
	uint16_t port;	  /* of the service: ours or the peer's, see role */
	uint8_t kind;	  /* enum alert_kind */
	uint8_t detail;	  /* the detector's, such as the kind of a scan */
	uint8_t role;	  /* RST_ROLE_CLIENT: we are the client, else the port is ours */
	uint8_t pad[3];
};

/* A peer and how often it was met. */
struct book_peer {
	uint8_t address[16];
	uint64_t count;
};

struct incident {
	struct book_key key;
	/* The detector's to write, from book_open() on, and read by its describe(): */
	enum alert_severity severity;
	enum alert_proof proof;
	uint64_t total;	    /* what it counts: resets, probes, failures */
	struct owner owner; /* its process: by number, below */
	uint32_t owner_process;
	bool peers_estimated;
	uint64_t peers_all;
	struct book_peer peers[ALERT_TOP]; /* book_add_peer() */
	unsigned peer_count;
	struct alert_ports touched, open;
	struct alert_fact facts[ALERT_FACTS]; /* book_fact() */
	unsigned fact_count;
	struct alert_word words[ALERT_WORDS]; /* book_word() */
	unsigned word_count;
	uint64_t last_ns;  /* of the last evidence: it is quiet from then on */
	uint64_t first_ns; /* of the first evidence: not after it was opened */
	uint64_t own[4];   /* what else the detector wants to remember; zero at first */
	/* The book's own: */
	enum alert_severity told; /* as last said; 0: not yet */
	enum alert_severity opened_as;
	uint64_t told_ns; /* last_ns, when it was last spoken of */
	bool open_now;
	bool over;		/* book_end() */
	bool shown, muted;	/* kept by whoever tells */
	uint64_t first_real_ns; /* kept by whoever tells */
	unsigned episodes;	/* times it was raised */
	unsigned updates;
	uint64_t number, raised_ns, cleared_ns, quiet_ns;
};

/* Says one word about an incident. number: 0 if it has none yet, to be set in it then. */
typedef void (*book_tell)(void *context, struct incident *incident, enum alert_status status,
			  uint64_t now_ns);

struct book {
	book_tell tell;
	void *context;
	uint64_t quiet_ns[ALERT_KINDS]; /* until it is cleared */
	unsigned open[ALERT_KINDS][ALERT_CRITICAL + 1];
	/* Evidence for incidents that had no room, since the last word. */
	uint64_t folded[ALERT_KINDS];
	uint64_t folded_all;
	bool fresh; /* some incident has not been told of yet */
	TABLE_OF(struct incident, incidents, BOOK_INCIDENTS);
};

void book_init(struct book *book, book_tell tell, void *context, uint64_t seed);

/* The open incident of that key, or NULL. */
struct incident *book_find(struct book *book, const struct book_key *key);
/* The same; opens it if need be, to be told by the next book_flush(). time_ns: of the evidence.
 * NULL if there is no room, which is counted. Its address may change with book_step(). */
struct incident *book_open(struct book *book, const struct book_key *key,
			   enum alert_severity severity, uint64_t time_ns);
/* It is known to be over: cleared with the next step. */
void book_end(struct incident *incident, uint64_t time_ns);
/* Tells of what was opened or has become more severe. Call it once the evidence is written. */
void book_flush(struct book *book, uint64_t now_ns);
/* Time goes by: updates, and clears what is quiet. */
void book_step(struct book *book, uint64_t now_ns);

/* Fills what an alert takes from an incident as it is: all but the wall clock, the process of its
 * owner, and the words of detect_describe(). */
void book_alert(const struct incident *incident, enum alert_status status, uint64_t now_ns,
		struct alert *alert);

/* Sets a number, or a word, of the evidence; the name is that of the output. */
void book_fact(struct incident *incident, const char *name, double value);
void book_word(struct incident *incident, const char *name, const char *value);
/* Adds to a number of the evidence, which is 0 at first. */
void book_add_fact(struct incident *incident, const char *name, double more);
/* Counts a peer; of many, those that came most often are kept (Space-Saving). True if it was not
 * among the kept ones. */
bool book_add_peer(struct incident *incident, const uint8_t address[16], uint64_t count);
/* A number that was set; 0 if it was not. */
double book_find_fact(const struct incident *incident, const char *name);
/* The same, and adds to peers_all: an estimate if they are more than are kept. */
void book_count_peer(struct incident *incident, const uint8_t address[16], uint64_t count);
/* Who was met most often, or NULL. */
const struct book_peer *book_main_peer(const struct incident *incident);
/* Notes a port, once. True if it was not among the noted ones; all is counted by the caller. */
bool book_add_port(struct alert_ports *ports, uint16_t port);

#endif

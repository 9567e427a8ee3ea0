/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who has asked for which ports of this host, and how suspicious that makes them: a table of fixed
 * size, shared by the detectors of scans. A source is remembered for a day after it was last met.
 *
 * Whoever forges addresses must not displace what is known. If there is no room, the source goes
 * whose score is lowest, and of several the one that was not met for the longest time. And as soon
 * as more than SOURCES_STRANGE new ones came within a second, most of all that came, the table is
 * frozen until ten seconds have passed with less: those that are in it go on, and a new one gets in
 * only when it comes again, which forged addresses do not.
 */
#ifndef RSTWATCH_SOURCES_H
#define RSTWATCH_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "table.h"

#define SOURCES		16384 /* a power of two */
#define SOURCES_PORTS	16    /* noted of a source, in the order in which they were met */
#define SOURCES_MAPS	64    /* sources whose ports are all known exactly */
#define SOURCES_STRANGE 200
#define SOURCES_VICTIMS 256
#define SOURCES_REPEATS 4096 /* a power of two */
#define SOURCES_ONE	1024 /* a score counts natural logarithms, in this part of 1 */

struct source_key {
	uint8_t peer[16];
	uint32_t netns;
	uint32_t kind; /* of what it does; each is a source of its own */
};

/* What detectors remember of a source. */
enum {
	SOURCE_KNOWN = 1,     /* it is a client of this host */
	SOURCE_ANSWERED = 2,  /* it reset a connection that it had half opened */
	SOURCE_HANDSHAKE = 4, /* it completed a handshake */
	SOURCE_TOLD = 8,      /* an incident was opened for it */
	SOURCE_MAPLESS = 16,  /* it has lost its map: the number of its ports is an estimate */
};

struct source {
	struct source_key key;
	uint32_t score;
	uint32_t ports_256; /* different ports, in 1/256 */
	uint64_t first_ns, last_ns;
	uint16_t ports[SOURCES_PORTS]; /* the first ones */
	uint16_t open;		       /* bit i: ports[i] is open */
	uint16_t map;		       /* index plus one */
	uint8_t port_count;	       /* of ports */
	uint8_t flags;		       /* SOURCE_* */
	uint8_t half_open;	       /* ports that counted as half-open, for the score */
	uint8_t pad;
	uint64_t bits[4];   /* 256: a port's hash, for those beyond the first without a map */
	uint64_t places;    /* 64: the hash of an address of ours at which it asked */
	uint32_t places_64; /* how many of these, in 1/64 */
	uint32_t pad_places;
	uint8_t leader[16]; /* whose incident is its own, too (scan.c); 0: nobody's */
};

/* All ports of a source. */
struct source_map {
	uint32_t source; /* index plus one; 0: free */
	uint32_t pad;
	uint64_t bits[65536 / 64];
};

/* Who goes next if there is no room. */
struct source_victim {
	uint64_t last_ns;
	uint32_t score, index;
};

struct sources {
	uint64_t seed;
	/* The current second: sources met, those that were not in the table, and, while it is
	 * frozen, how many of these differ, as bits that they set. */
	uint64_t second_ns;
	uint32_t met, strange, different;
	uint32_t calm; /* seconds, while frozen */
	bool frozen;
	uint64_t seen[SOURCES_REPEATS / 4 / 64];
	uint32_t repeats[SOURCES_REPEATS]; /* part of the hash of who was not let in */
	uint64_t kept_out;		   /* times that one was not let in */
	uint32_t victims, victim;	   /* how many, and which is next */
	struct source_victim victim_list[SOURCES_VICTIMS];
	struct source_map maps[SOURCES_MAPS];
	TABLE_OF(struct source, table, SOURCES);
};

_Static_assert(sizeof(struct sources) < 4 << 20, "sources are less than 4 MiB");

/* The memory must be zero. */
void sources_init(struct sources *sources, uint64_t seed);
/* What is known of it, made if need be; NULL if it is not let in. Times may come in any order. */
struct source *sources_meet(struct sources *sources, const struct source_key *key,
			    uint64_t time_ns);
/* The same, but never made. Does not count as a meeting. */
struct source *sources_find(struct sources *sources, const struct source_key *key);
/* It asked for a port. True if that is the first time; of a source without a map there can be
 * ports that look as if they had been met before. */
bool sources_touch(struct sources *sources, struct source *source, uint16_t port);
/* The same of the address of ours at which it asked: true if it is one more, and not the first. Of
 * many, some look as if they had been met before. */
bool sources_touch_place(struct sources *sources, struct source *source, const uint8_t local[16]);
/* Notes that a port which it asked for is open, if it is one of the first ones. */
void source_note_open(struct source *source, uint16_t port);
/* How many different ports it asked for, and at how many addresses; 0: not known. */
uint32_t source_ports(const struct source *source);
uint32_t source_places(const struct source *source);
/* How often at least it asked for what it had not asked for before: another port or address. */
uint32_t source_first_contacts(const struct source *source);
/* Nothing is known of it any more, but that it is there. */
void sources_forget(struct sources *sources, struct source *source);

#endif

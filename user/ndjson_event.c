// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A reset in NDJSON. There can be millions in a second, so most of the line is written at a cursor
 * (append.h); what is long, or has to be escaped, is written as everything else is (json.h).
 */
#include "ndjson.h"

#include "address.h"
#include "append.h"
#include "explain.h"
#include "names.h"

#define CURSOR_BYTES 1024 /* more than is ever written at a cursor */

/* Between these two, json.h goes on behind a member. */
static struct json leave_cursor(struct output *output, const char *at)
{
	output_advance(output, at - (output->buffer + output->used));
	return (struct json){.output = output, .comma = true};
}

static char *make_cursor(struct output *output)
{
	return output_reserve(output, CURSOR_BYTES);
}

static char *append_string(char *at, struct output *output, const char *key, const char *text)
{
	struct json json = leave_cursor(output, at);

	json_member_string(&json, key, text);
	return make_cursor(output);
}

static char *append_reason(char *at, const struct ndjson *ndjson, const struct pipeline_run *run,
			   const struct rst_event *event)
{
	const struct ndjson_word *word =
		event->direction == RST_SENT ? &ndjson->words.reasons[event->reason % RST_REASONS]
					     : &ndjson->words.drop_reasons[event->reason];
	const char *reason = pipeline_reason(run, event);

	if (!reason)
		return at;
	if (!word->length)
		return append_string(at, ndjson->output, "reason", reason);
	return ndjson_word_append(at, word);
}

/* Of one side, up to the end of its object. */
static char *append_side(char *at, const uint8_t address[16], uint16_t port)
{
	at += address_format(at, address);
	at = APPEND(at, "\",\"port\":");
	at = append_number(at, port);
	*at++ = '}';
	return at;
}

static char *append_connection(char *at, const struct rst_connection *connection)
{
	at = APPEND(at, ",\"connection\":{");
	if (connection->age_ms != RST_AGE_UNKNOWN) {
		at = APPEND(at, "\"age_ms\":");
		at = append_number(at, connection->age_ms);
		*at++ = ',';
	}
	if (connection->idle_ms != RST_AGE_UNKNOWN) {
		at = APPEND(at, "\"idle_ms\":");
		at = append_number(at, connection->idle_ms);
		*at++ = ',';
	}
	at = APPEND(at, "\"bytes_in\":");
	at = append_number(at, connection->bytes_in);
	at = APPEND(at, ",\"bytes_out\":");
	at = append_number(at, connection->bytes_out);
	*at++ = '}';
	return at;
}

static char *append_owner(char *at, const struct ndjson *ndjson, const struct owner *owner,
			  uint64_t time_ns)
{
	struct json json;

	if (owner->known_by == OWNER_UNKNOWN)
		return at;
	if (!owner->process && owner->known_by != OWNER_LAST_LISTENER)
		return ndjson_word_append(at, &ndjson->words.owners[owner->known_by]);
	json = leave_cursor(ndjson->output, at);
	json_key(&json, "owner");
	json_object(&json);
	ndjson_owner(&json, owner, time_ns);
	json_object_end(&json);
	return make_cursor(ndjson->output);
}

static char *append_explanation(char *at, struct output *output, const struct pipeline_run *run,
				const struct pipeline_event *reset)
{
	char sentence[EXPLAIN_BYTES];

	explain_event(sentence, reset->event, reset->connection, &reset->owner,
		      pipeline_reason(run, reset->event));
	return append_string(at, output, "explanation", sentence);
}

void ndjson_event(void *context, const struct pipeline_run *run, const struct pipeline_event *reset)
{
	const struct rst_event *event = reset->event;
	struct ndjson *ndjson = context;
	struct ndjson_words *words = &ndjson->words;
	struct output *output = ndjson->output;
	char *at;

	if (!ndjson->view.events)
		return;
	at = make_cursor(output);
	at = APPEND(at, "{\"type\":\"event\",\"time\":\"");
	at += wallclock_rfc3339(&ndjson->wallclock, at,
				event->time_ns + (uint64_t)run->realtime_offset_ns);
	*at++ = '"';
	at = ndjson_word_append(at, ndjson_word_cause(words, event));
	at = append_reason(at, ndjson, run, event);
	at = address_is_ipv4(event->peer) ? APPEND(at, ",\"family\":4,\"local\":{\"address\":\"")
					  : APPEND(at, ",\"family\":6,\"local\":{\"address\":\"");
	at = append_side(at, event->local, event->local_port);
	at = APPEND(at, ",\"peer\":{\"address\":\"");
	at = append_side(at, event->peer, event->peer_port);
	at = ndjson_word_append(at, ndjson_word_end(words, event));
	if (event->flags & RST_EVENT_TRIGGER)
		at = ndjson_word_append(at, &words->triggers[event->trigger]);
	if (event->cause == RST_STAGE_TIME_WAIT)
		at = event->flags & RST_EVENT_FREED ? APPEND(at, ",\"freed\":true")
						    : APPEND(at, ",\"freed\":false");
	at = ndjson_word_append(at, ndjson_word_netns(words, event->netns));
	if (reset->netns_name)
		at = append_string(at, output, "netns_name", reset->netns_name);
	if (reset->connection)
		at = append_connection(at, reset->connection);
	at = append_owner(at, ndjson, &reset->owner, event->time_ns);
	if (ndjson->view.explain)
		at = append_explanation(at, output, run, reset);
	at = APPEND(at, "}\n");
	output_advance(output, at - (output->buffer + output->used));
}

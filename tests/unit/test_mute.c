// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "records.h"

#include <stdio.h>

#include "mute.h"

static void refuse(const char *text, const char *part)
{
	char error[MUTE_ERROR_BYTES];
	struct mute mute, before;

	memset(&mute, 0xa5, sizeof(mute));
	before = mute;
	memset(error, 'x', sizeof(error));
	if (mute_parse(text, &mute, error, sizeof(error)) != -EINVAL)
		fail_msg("'%s' is accepted", text);
	assert_memory_equal(&mute, &before, sizeof(mute));
	assert_non_null(memchr(error, '\0', sizeof(error)));
	assert_true(strlen(error) < sizeof(error) - 1); /* it is not cut */
	if (!strstr(error, part))
		fail_msg("no '%s' in: %s", part, error);
}

static struct mute accept(const char *text)
{
	char error[MUTE_ERROR_BYTES];
	struct mute mute;

	if (mute_parse(text, &mute, error, sizeof(error)))
		fail_msg("'%s': %s", text, error);
	return mute;
}

static bool matches(const char *text, const struct alert *alert)
{
	struct mute_rules *rules = unit_zeroed(sizeof(*rules));
	bool matched;

	rules->count = 1;
	rules->rules[0] = accept(text);
	matched = mute_matches(rules, alert);
	free(rules);
	return matched;
}

/* --- what is accepted --- */

static void rules_are_parsed(void **state)
{
	struct mute mute = accept("alert=port_scan peer=10.0.0.0/24 port=80 netns=4294967295 "
				  "severity=warning process=ng?nx* unit=nginx container=4f5e");
	uint8_t inside[16], outside[16];

	(void)state;
	assert_int_equal(mute.kind, ALERT_PORT_SCAN);
	unit_ipv4(inside, 0x0a0000ff);
	unit_ipv4(outside, 0x0a000100);
	assert_true(address_in_range(inside, &mute.peer));
	assert_false(address_in_range(outside, &mute.peer));
	assert_int_equal(mute.port, 80);
	assert_int_equal(mute.netns, 4294967295);
	assert_int_equal(mute.severity, ALERT_WARNING);
	assert_string_equal(mute.process, "ng?nx*");
	assert_string_equal(mute.unit, "nginx");
	assert_string_equal(mute.container, "4f5e");
	assert_int_equal(accept("  port=65535   ").port, 65535);
	assert_int_equal(accept("port=1").netns, 0);
	assert_int_equal(accept("severity=info").severity, ALERT_INFO);
	assert_int_equal(accept("severity=critical").severity, ALERT_CRITICAL);
	assert_string_equal(accept("process=a=b").process, "a=b");
	for (unsigned kind = 1; kind < ALERT_KINDS; kind++) {
		char text[64];

		snprintf(text, sizeof(text), "alert=%s", alert_kind_name(kind));
		assert_int_equal(accept(text).kind, kind);
		refuse("alert=nonsense", alert_kind_name(kind)); /* each of them is named */
	}
}

static void what_is_no_rule(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "alert",
					  "=",
					  "=80",
					  "ports=80",
					  "por=80",
					  "Port=80",
					  "port:80",
					  "port =80",
					  "port= 80",
					  "\tport=80",
					  "port=80 x",
					  "port=80,netns=1",
					  "port=80  port"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refuse(bad[i], !strncmp(bad[i], "port= ", 6) || strchr(bad[i], ',')
				       ? "give a port from 1 to 65535"
				       : "give KEY=VALUE, with spaces between several, and the "
					 "keys alert peer port netns severity process unit "
					 "container");
	refuse("foo=1 port=80", "'foo=1': ");
	refuse("port=80 foo", "'foo': ");
}

static void values_that_are_none(void **state)
{
	static const char *const numbers[] = {
		"0", "-1", "+1", "80x", "0x50", "1.5", "", "a", "99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char text[64];

		snprintf(text, sizeof(text), "port=%s", numbers[i]);
		refuse(text, "give a port from 1 to 65535");
		snprintf(text, sizeof(text), "netns=%s", numbers[i]);
		refuse(text, "lsns -t net");
	}
	refuse("port=65536", "port=65536: give a port");
	refuse("netns=4294967296", "lsns -t net");
	refuse("alert=", "alert=: give one of rst_sent_rate");
	refuse("alert=Port_scan", "give one of");
	refuse("alert=port_scan,syn_flood", "give one of");
	refuse("severity=notice", "severity=notice: give info, warning or critical");
	refuse("severity=", "give info, warning or critical");
	refuse("peer=", "an address or a range");
	refuse("peer=10.0.0.0/33", "an address or a range, as in 10.0.0.7");
	refuse("peer=10.0.0.1/24", "bits are set behind the prefix");
	refuse("process=", "name of a process");
	refuse("unit=", "name of a systemd unit");
	refuse("container=", "id of a container");
}

static void the_same_key_twice(void **state)
{
	(void)state;
	refuse("port=80 port=80", "port= stands there twice");
	refuse("alert=port_scan peer=10.0.0.7 alert=syn_flood", "alert= stands there twice");
	refuse("severity=info severity=x", "severity= stands there twice");
}

static void long_values(void **state)
{
	char text[5000] = "process=";

	(void)state;
	memset(text + 8, 'a', 63);
	assert_int_equal(strlen(accept(text).process), 63);
	text[8 + 63] = 'a';
	refuse(text, "at most 63 bytes");
	memcpy(text, "unit=", 5);
	memset(text + 5, 'a', 255);
	text[5 + 255] = '\0';
	assert_int_equal(strlen(accept(text).unit), 255);
	text[5 + 255] = 'a';
	text[5 + 256] = '\0';
	refuse(text, "at most 255 bytes");
	memcpy(text, "container=", 10);
	text[10 + 71] = '\0';
	memset(text + 10, 'a', 71);
	assert_int_equal(strlen(accept(text).container), 71);
	text[10 + 71] = 'a';
	refuse(text, "at most 71 bytes");
	memset(text, 'a', sizeof(text) - 1);
	refuse(text, "': give KEY=VALUE");
	text[2000] = '=';
	refuse(text, "': give KEY=VALUE");
	memcpy(text, "alert=", 6);
	refuse(text, "backscatter");
	memcpy(text, "peer=a", 6);
	refuse(text, "2001:db8::/32");
}

/* --- what matches --- */

static struct process nginx = {
	.pid = 812, .comm = "nginx", .names = {.unit = "nginx.service", .container = "4f5e6d"}};

static struct alert scan(void)
{
	struct alert alert = {.detected = true,
			      .kind = ALERT_PORT_SCAN,
			      .status = ALERT_RAISED,
			      .severity = ALERT_WARNING,
			      .netns = 7,
			      .has_local = true,
			      .local_port = 80,
			      .owner = {.known_by = OWNER_LISTENER, .process = &nginx},
			      .peers_all = 2,
			      .peer_count = 2};

	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	unit_ipv4(alert.peers[1].key.address, 0x0a000008);
	return alert;
}

static void each_key(void **state)
{
	const struct alert alert = scan();

	(void)state;
	assert_true(matches("alert=port_scan", &alert));
	assert_false(matches("alert=stealth_scan", &alert));
	assert_true(matches("port=80", &alert));
	assert_false(matches("port=81", &alert));
	assert_true(matches("netns=7", &alert));
	assert_false(matches("netns=8", &alert));
	assert_true(matches("process=nginx", &alert));
	assert_true(matches("process=ng*", &alert));
	assert_false(matches("process=ngin", &alert));
	assert_true(matches("unit=nginx", &alert));
	assert_false(matches("unit=nginx.socket", &alert));
	assert_true(matches("container=4f", &alert));
	assert_false(matches("container=5e", &alert));
}

static void it_and_what_is_less_severe(void **state)
{
	struct alert alert = scan();

	(void)state;
	assert_false(matches("severity=info", &alert));
	assert_true(matches("severity=warning", &alert));
	assert_true(matches("severity=critical", &alert));
	alert.severity = ALERT_INFO;
	assert_true(matches("severity=info", &alert));
	alert.severity = ALERT_CRITICAL;
	assert_false(matches("severity=warning", &alert));
	assert_true(matches("severity=critical", &alert));
}

static void all_peers(void **state)
{
	struct alert alert = scan();

	(void)state;
	assert_true(matches("peer=10.0.0.0/24", &alert));
	assert_true(matches("peer=0.0.0.0/0", &alert));
	assert_false(matches("peer=::/128", &alert));
	assert_false(matches("peer=10.0.0.7", &alert)); /* the other one is not inside */
	assert_false(matches("peer=10.0.0.8", &alert));
	alert.peer_count = 1;
	alert.peers_all = 0; /* not counted apart */
	assert_true(matches("peer=10.0.0.7", &alert));
	/* There are more, and nobody knows who. */
	alert.peers_all = 2;
	assert_false(matches("peer=10.0.0.7", &alert));
	assert_false(matches("peer=0.0.0.0/0", &alert));
	alert.peer_count = 0;
	alert.peers_all = 0;
	assert_false(matches("peer=0.0.0.0/0", &alert));
}

/* The port of the service, on whichever side it is. */
static void the_service(void **state)
{
	struct alert alert = scan();

	(void)state;
	alert.peer_port = 5432;
	assert_false(matches("port=5432", &alert));
	alert.has_local = false;
	assert_true(matches("port=5432", &alert));
	assert_false(matches("port=80", &alert));
	alert.peer_port = 0;
	assert_false(matches("port=80", &alert));
}

static void nobody_is_known(void **state)
{
	struct alert alert = scan();

	(void)state;
	alert.owner = (struct owner){.known_by = OWNER_KERNEL};
	assert_false(matches("process=*", &alert));
	assert_false(matches("unit=*", &alert));
	assert_false(matches("container=4", &alert));
	alert.owner.process = &nginx;
	assert_true(matches("process=*", &alert));
}

static void all_of_a_rule(void **state)
{
	const struct alert alert = scan();

	(void)state;
	assert_true(matches("alert=port_scan peer=10.0.0.0/24 port=80 netns=7 severity=warning "
			    "process=nginx unit=nginx container=4",
			    &alert));
	assert_false(matches("alert=port_scan peer=10.0.1.0/24", &alert));
	assert_false(matches("peer=10.0.0.0/24 port=81", &alert));
	assert_false(matches("alert=port_scan severity=info", &alert));
	assert_false(matches("alert=port_scan process=sshd", &alert));
}

static void any_of_the_rules(void **state)
{
	struct mute_rules *rules = unit_zeroed(sizeof(*rules));
	const struct alert alert = scan();

	(void)state;
	assert_false(mute_matches(rules, &alert));
	rules->rules[rules->count++] = accept("alert=syn_flood");
	assert_false(mute_matches(rules, &alert));
	rules->rules[rules->count++] = accept("alert=port_scan");
	assert_true(mute_matches(rules, &alert));
	while (rules->count < MUTE_RULES)
		rules->rules[rules->count++] = accept("port=1");
	rules->rules[1] = accept("port=2");
	assert_false(mute_matches(rules, &alert));
	rules->rules[MUTE_RULES - 1] = accept("netns=7");
	assert_true(mute_matches(rules, &alert));
	free(rules);
}

/* It is about a direction and a namespace: what it lists is but the largest part. */
static void rate_alarms(void **state)
{
	struct alert alert = {
		.kind = ALERT_RST_SENT_RATE,
		.severity = ALERT_WARNING,
		.netns = 7,
		.direction = RST_SENT,
		.total = 100,
		.port_count = 1,
		.ports = {{.key = {.port = 80}, .sent = 100}},
		.peer_count = 1,
		.peers = {{.count = 100}},
		.owner_count = 1,
		.owners = {{.owner = {.known_by = OWNER_SOCKET, .process = &nginx}, .sent = 60}}};

	(void)state;
	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	assert_true(matches("alert=rst_sent_rate netns=7 severity=warning", &alert));
	assert_true(matches("process=nginx unit=nginx container=4f5e", &alert));
	assert_false(matches("port=80", &alert));
	assert_false(matches("peer=0.0.0.0/0", &alert));
	assert_false(matches("netns=8", &alert));
	alert.owners[0].sent = 40; /* less than half */
	assert_false(matches("process=nginx", &alert));
	alert.netns = 0; /* the host */
	assert_false(matches("netns=7", &alert));
}

/* --- in the pipeline --- */

struct told {
	struct records records;
	struct incident incident;
};

/* Of a kind that no detector has: nobody describes it. */
static struct incident *incident_of(struct told *told, unsigned severity)
{
	told->incident = (struct incident){.key = {.kind = ALERT_RST_SENT_RATE, .port = 80},
					   .severity = severity,
					   .first_ns = told->records.now_ns};
	return &told->incident;
}

static void say(struct told *told, enum alert_status status)
{
	struct book *book = &told->records.pipeline->detect.book;

	book->tell(book->context, &told->incident, status, told->records.now_ns);
}

static void begin_with(struct told *told, const char *rule)
{
	struct pipeline_settings *settings = unit_zeroed(sizeof(*settings));

	settings->mute.count = 1;
	settings->mute.rules[0] = accept(rule);
	records_begin(&told->records, settings);
	free(settings);
}

static void assert_sums(struct told *told, unsigned shown, unsigned raised, unsigned muted)
{
	assert_int_equal(told->records.told->alerts, shown);
	assert_int_equal(told->records.pipeline->totals.alerts, raised);
	assert_int_equal(told->records.pipeline->totals.alerts_muted, muted);
}

static void muted_to_its_end(void **state)
{
	struct told told = {0};

	(void)state;
	begin_with(&told, "port=80 severity=warning");
	incident_of(&told, ALERT_WARNING);
	say(&told, ALERT_RAISED);
	assert_sums(&told, 0, 1, 1);
	say(&told, ALERT_UPDATED);
	say(&told, ALERT_CLEARED);
	assert_sums(&told, 0, 1, 1);
	told.incident.key.port = 81;
	say(&told, ALERT_RAISED);
	say(&told, ALERT_CLEARED);
	assert_sums(&told, 2, 2, 1);
	records_end(&told.records);
	assert_int_equal(told.records.told->totals.alerts, 2);
	assert_int_equal(told.records.told->totals.alerts_muted, 1);
	records_close(&told.records);
}

/* It gets worse than the rule is about: told from then on, and no longer counted as muted. */
static void worse_than_its_rule(void **state)
{
	struct told told = {0};

	(void)state;
	begin_with(&told, "severity=warning");
	incident_of(&told, ALERT_INFO);
	say(&told, ALERT_RAISED);
	told.incident.severity = ALERT_WARNING;
	say(&told, ALERT_UPDATED);
	assert_sums(&told, 0, 1, 1);
	told.incident.severity = ALERT_CRITICAL;
	say(&told, ALERT_UPDATED);
	assert_sums(&told, 1, 1, 0);
	assert_int_equal(told.records.told->alert[0].status, ALERT_UPDATED);
	assert_int_equal(told.records.told->alert[0].severity, ALERT_CRITICAL);
	say(&told, ALERT_CLEARED);
	assert_sums(&told, 2, 1, 0);
	records_close(&told.records);
}

/* What has been shown is shown to its end, and what is over is not looked at again. */
static void shown_to_its_end(void **state)
{
	struct told told = {0};

	(void)state;
	begin_with(&told, "peer=10.0.0.7");
	incident_of(&told, ALERT_WARNING);
	say(&told, ALERT_RAISED);
	assert_sums(&told, 1, 1, 0);
	unit_ipv4(told.incident.peers[0].address, 0x0a000007);
	told.incident.peer_count = 1;
	say(&told, ALERT_UPDATED);
	say(&told, ALERT_CLEARED);
	assert_sums(&told, 3, 1, 0);
	say(&told, ALERT_RAISED); /* once more, under its number: now it is muted */
	assert_sums(&told, 3, 2, 1);
	told.incident.peer_count = 0;
	say(&told, ALERT_CLEARED);
	assert_sums(&told, 3, 2, 1);
	records_close(&told.records);
}

/* A filter hides without muting: --fail-on-alert counts it. */
static void filtered_is_not_muted(void **state)
{
	struct pipeline_settings *settings = unit_zeroed(sizeof(*settings));
	struct told told = {0};

	(void)state;
	settings->filter.port_count = 1;
	settings->filter.ports[0] = 81;
	records_begin(&told.records, settings);
	incident_of(&told, ALERT_WARNING);
	say(&told, ALERT_RAISED);
	assert_sums(&told, 0, 1, 0);
	records_close(&told.records);
	free(settings);
}

static void muted_rates(void **state)
{
	static const struct rst_port_key key = {.netns = 7,
						.port = 80,
						.direction = RST_SENT,
						.cause = RST_ABORTED,
						.role = RST_ROLE_SERVER};
	struct pipeline_settings *settings = unit_zeroed(sizeof(*settings));

	(void)state;
	settings->has_rate = true;
	settings->rate = (struct rate_settings){
		.floor = 1, .factor = 2, .hold = 1, .up = 2, .down = 2, .multiplier = 1};
	for (unsigned i = 0; i < 3; i++) {
		static const char *const rules[] = {"alert=rst_received_rate", "netns=7",
						    "alert=rst_sent_rate"};
		struct told told = {0};

		settings->mute.count = 1;
		settings->mute.rules[0] = accept(rules[i]);
		records_begin(&told.records, settings);
		for (unsigned second = 0; second < 3; second++) {
			records_count(&told.records, key, 100);
			records_slice(&told.records, SECOND_NS);
		}
		records_quiet(&told.records, 30);
		assert_sums(&told, 2 * (2 - i), 2, i); /* of the host, of netns 7; twice each */
		records_close(&told.records);
	}
	free(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_parsed),
		cmocka_unit_test(what_is_no_rule),
		cmocka_unit_test(values_that_are_none),
		cmocka_unit_test(the_same_key_twice),
		cmocka_unit_test(long_values),
		cmocka_unit_test(each_key),
		cmocka_unit_test(it_and_what_is_less_severe),
		cmocka_unit_test(all_peers),
		cmocka_unit_test(the_service),
		cmocka_unit_test(nobody_is_known),
		cmocka_unit_test(all_of_a_rule),
		cmocka_unit_test(any_of_the_rules),
		cmocka_unit_test(rate_alarms),
		cmocka_unit_test(muted_to_its_end),
		cmocka_unit_test(worse_than_its_rule),
		cmocka_unit_test(shown_to_its_end),
		cmocka_unit_test(filtered_is_not_muted),
		cmocka_unit_test(muted_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

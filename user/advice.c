// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "advice.h"

#include "address.h"
#include "names.h"
#include "sentence.h"

static const char *const cause_advice[RST_CAUSES] = {
	[RST_CLOSED_PORT] = "Nothing listens on that port: see whether its service is down "
			    "(ss -ltn) or whether a scan or a flood is under way.",
	[RST_ABORTED] = "A program on this host closes connections hard: look at the service "
			"behind that port, its restarts and its timeouts.",
	[RST_HALF_OPEN] = "Peers talk on connections that this host does not know: look for a "
			  "restart, an expired NAT or firewall entry, or an asymmetric route.",
	[RST_TIME_WAIT] = "Peers send after we closed: make their idle timeout shorter than ours.",
	[RST_QUEUE_FULL] = "The service accepts too slowly and tcp_abort_on_overflow is set: "
			   "look at its backlog (ss -ltn) and net.core.somaxconn.",
	[RST_NO_MEMORY] = "The kernel is short of socket memory: compare sockstat with "
			  "net.ipv4.tcp_mem and tcp_max_orphans.",
	[RST_KEEPALIVE] = "Peers stopped answering keepalive probes: look for a lost host or link.",
	[RST_INVALID] = "Segments break the handshake: look for a broken middlebox or forged "
			"segments.",
	[RST_MPTCP] = "Multipath TCP refuses subflows or joins: see nstat MPTcpExt.",
	[RST_FIREWALL] = "A reject rule answers with resets: see the counters of your firewall.",
	[RST_UNKNOWN] = "The kernel gave no reason: see the ports and peers above.",
	[RST_STAGE_REFUSED] = "Connections that this host opens are refused: see whether the "
			      "service at that port of the peer is up.",
	[RST_STAGE_HANDSHAKE] = "Peers give up half-way through the handshake: a half-open scan "
				"or a health check.",
	[RST_STAGE_ESTABLISHED] = "Peers abort working connections: look at their logs and at "
				  "what stands between.",
	[RST_STAGE_CLOSING] = "Peers abort while closing: often clients that do not wait for the "
			      "end.",
	[RST_STAGE_TIME_WAIT] = "Peers reset connections that we have closed: mostly harmless, see "
				"net.ipv4.tcp_rfc1337.",
	[RST_STAGE_STRAY] = "Resets for connections that this host does not know: look for "
			    "backscatter of forged addresses or an asymmetric route.",
	[RST_STAGE_REJECTED] = "Resets outside the window (RFC 5961): look for forged segments or "
			       "a middlebox that lost track.",
};

static unsigned main_cause(const struct alert *alert)
{
	unsigned main = RST_UNKNOWN;

	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (name_cause(cause) && alert->causes[cause] > alert->causes[main])
			main = cause;
	return main;
}

static void add_share(struct sentence *sentence, uint64_t count, uint64_t total)
{
	sentence_add_number(sentence, total ? count * 100 / total : 0);
	sentence_add(sentence, "%");
}

/* The process: that it is the kernel or a firewall, the cause has said. */
static void add_owner(struct sentence *sentence, const struct alert *alert)
{
	const struct window_owner *main = alert_main_owner(alert);

	if (!main || !main->owner.process)
		return;
	sentence_add(sentence, ", ");
	add_share(sentence, main->sent + main->received, alert->total);
	sentence_add(sentence, " ");
	sentence_add_foreign(sentence, main->owner.process->comm);
	sentence_add(sentence, " (pid ");
	sentence_add_number(sentence, main->owner.process->pid);
	sentence_add(sentence, main->owner.known_by == OWNER_LAST_LISTENER ? ", stopped)" : ")");
}

void advice_rate(struct alert *alert, const struct rate_verdict *verdict)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	unsigned cause = main_cause(alert);
	char address[ADDRESS_BYTES];

	sentence_add_decimal(&sentence, verdict->recent);
	sentence_add(&sentence,
		     alert->direction == RST_SENT ? " resets/s sent" : " resets/s received");
	if (alert->netns) {
		sentence_add(&sentence, " in netns ");
		sentence_add_number(&sentence, alert->netns);
	}
	sentence_add(&sentence, " over 10 s, against ");
	sentence_add_decimal(&sentence, verdict->baseline);
	sentence_add(&sentence, "/s in the minute before it began");
	if (alert->causes[cause]) {
		sentence_add(&sentence, "; ");
		add_share(&sentence, alert->causes[cause], alert->total);
		sentence_add(&sentence, " ");
		sentence_add(&sentence, name_cause(cause));
	}
	if (alert->port_count) {
		const struct window_port *port = &alert->ports[0];

		sentence_add(&sentence, ", ");
		add_share(&sentence, port->sent + port->received, alert->total);
		sentence_add(&sentence, " port ");
		sentence_add_number(&sentence, port->key.port);
	}
	add_owner(&sentence, alert);
	if (alert->peer_count) {
		sentence_add(&sentence, ", ");
		add_share(&sentence, alert->peers[0].count, alert->total);
		sentence_add(&sentence, " peer ");
		address_format(address, alert->peers[0].key.address);
		sentence_add(&sentence, address);
	}
	alert->advice = cause_advice[cause] ? cause_advice[cause] : cause_advice[RST_UNKNOWN];
	if (!alert->total)
		alert->advice = "Nothing to do: it is over.";
}

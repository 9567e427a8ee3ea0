/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that rstwatch reads, and of each only the fields that it reads. The compiler
 * records every access (preserve_access_index) and libbpf fits the offsets to the running kernel,
 * so neither order nor gaps matter here. A type or field that only some kernels have is used
 * behind bpf_core_field_exists().
 */
#ifndef RSTWATCH_VMLINUX_H
#define RSTWATCH_VMLINUX_H
/* For <bpf/bpf_tracing.h>: registers have their kernel names here. */
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef _Bool bool;
enum { false = 0, true = 1 };

/* include/uapi/linux/bpf.h: what the helpers of <bpf/bpf_helpers.h> and the map definitions need.
 */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};
enum {
	BPF_F_MMAPABLE = 1024,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct hlist_nulls_node {
	struct hlist_nulls_node **pprev;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct hlist_nulls_node skc_nulls_node;
};

struct sock {
	struct sock_common __sk_common;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	__u8 sk_shutdown;
	__u16 sk_type;
};

struct ipv6_pinfo {
	int mcast_oif;
};

struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	__be16 inet_sport;
	int mc_index;
};

struct inet_connection_sock {
	__u8 icsk_probes_out;
};

struct tcp_sock {
	__u32 snd_nxt;
	__u32 snd_una;
	__u64 bytes_acked;
	__u64 bytes_sent;
	__u64 bytes_retrans;
};

struct inet_bind_bucket {
	signed char fastreuse;
};

struct inet_timewait_sock {
	struct inet_bind_bucket *tw_tb;
};

struct net_device {
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
};

struct rtable {
	__u16 rt_type;
};

struct rt6_info {
	__u32 rt6i_flags;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	int skb_iif;
	__be16 protocol;
	__u16 transport_header;
	unsigned char *head;
	unsigned char *data;
	__u16 network_header;
};

struct iphdr {
	__be32 saddr;
	__be32 daddr;
};

struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
};

/* Where a kprobe finds the arguments of its function. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long cx;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	unsigned long long regs[31];
};
#endif

#pragma clang attribute pop

#endif

//! Redis as a cluster and behind Sentinel, with the user of docs/fleet.md: a failover in the middle of a refresh costs no
//! second request.

use super::world::{Redis, RedisStore};
use crate::harness::{free_port, have, until};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn says(node: &Redis, section: &str, text: &str) -> bool {
    let info: String = node.ask(&[b"INFO", section.as_bytes()]);
    info.contains(text)
}

/// Kills the node that has the lease while Zoho takes its time. The token must reach the next master.
fn failover_during_a_refresh(fleet: &RedisStore, nodes: &mut Vec<Redis>) {
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(3)).unwrap();
    let holder = fleet.start(0, &["get", "--timeout", "60s"]);
    until("the request to arrive", || fleet.requests() == 1);
    let is_master = |node: &Redis| says(node, "replication", "role:master") && !node.keys().is_empty();
    let master = nodes.iter().position(is_master).unwrap();
    nodes.remove(master).kill();
    let token = holder.wait().ok().to_owned();
    until("the next master to have the token", || {
        assert_eq!(fleet.get(0).ok(), token);
        nodes.iter().any(|node| is_master(node) && node.keys().iter().any(|key| key.contains(":token:")))
    });
    assert_eq!(fleet.run(1, &["get", "--timeout", "60s"]).ok(), token);
    assert_eq!(fleet.requests(), 1);
}

#[test]
fn a_cluster_fails_over_during_a_refresh() {
    if !have("redis-cli") {
        return;
    }
    let Some(mut fleet) = RedisStore::new() else { return };
    // The usual port of a node's bus, 10,000 above its own, may be taken.
    let start = |bus: String| {
        Redis::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port", &bus])
    };
    let mut nodes: Vec<_> = (0..6).map(|_| start(free_port().to_string())).collect();
    let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create"]).args(&addresses);
    create.args(["--cluster-replicas", "1", "--cluster-yes"]).stdout(Stdio::null());
    assert!(create.status().unwrap().success());
    until("the cluster to be complete", || {
        nodes.iter().all(|node| {
            let info: String = node.ask(&[b"CLUSTER", b"INFO"]);
            let replica = says(node, "replication", "role:slave");
            info.contains("cluster_state:ok")
                && (!replica || says(node, "replication", "master_link_status:up"))
        }) && nodes.iter().filter(|node| says(node, "replication", "role:slave")).count() == 3
    });
    // Without +cluster, a node says where the key is, which no retry changes.
    let refused = nodes.iter().map(|node| {
        fleet.url = format!("redis://127.0.0.1:{}", node.port);
        fleet.run(9, &["get", "--offline"]);
        fleet.run(9, &["doctor"]).stdout
    });
    assert!(refused.filter(|said| said.contains("redis+cluster://")).count() >= 3);
    fleet.url = format!("redis+cluster://nobody:PASSWORD@{}", addresses[0]);
    fleet.get(9).failed(78, "config");
    nodes.iter().for_each(Redis::admit);
    fleet.url = format!("redis+cluster://fleet:PASSWORD@{}", addresses.join(","));
    failover_during_a_refresh(&fleet, &mut nodes);
}

struct Sentinel(Child);

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sentinel_fails_over_during_a_refresh() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let (master, sentinel) = (Redis::start(&[]), free_port());
    let port = master.port.to_string();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
    until("the replica to follow", || says(&replica, "replication", "master_link_status:up"));
    let config = format!(
        "port {sentinel}\nbind 127.0.0.1\nsentinel monitor zoho 127.0.0.1 {port} 1\n\
         sentinel down-after-milliseconds zoho 1000\nsentinel failover-timeout zoho 5000\n"
    );
    let config = fleet.test.file("sentinel.conf", &config);
    let child = Command::new("redis-server").arg(&config).arg("--sentinel").stdout(Stdio::null()).spawn();
    let _sentinel = Sentinel(child.unwrap());
    until("the sentinel to know the replica", || {
        let client = redis::Client::open(format!("redis://127.0.0.1:{sentinel}")).unwrap();
        let Ok(mut connection) = client.get_connection() else { return false };
        let info: redis::RedisResult<String> = redis::cmd("INFO").arg("sentinel").query(&mut connection);
        info.is_ok_and(|info| info.contains("slaves=1"))
    });
    [&master, &replica].into_iter().for_each(Redis::admit);
    fleet.url = format!("redis+sentinel://fleet:PASSWORD@127.0.0.1:{sentinel}/zoho/0");
    failover_during_a_refresh(&fleet, &mut vec![master, replica]);
}

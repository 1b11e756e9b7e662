//! The same with one network namespace per machine, which reaches Zoho and Redis only over its own loopback.

use super::way::Way;
use super::world::RedisStore;
use crate::harness::{Running, one_token};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that keeps a network namespace alive. It ends on drop, or when its stdin closes with the test process.
struct Network(Child);

impl Network {
    /// Prints a message and returns `None` if the tests may not create one.
    fn new() -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "ip link set lo up && echo up && exec cat"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let network = Network(child);
        let up = said == "up\n";
        if !up {
            eprintln!("SKIPPED: no network namespace can be made here");
        }
        up.then_some(network)
    }

    fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.0.id())
    }

    /// Forwards `port` on this network's loopback to the same port on the host's.
    fn way(&self, port: u16) {
        let network = File::open(self.path()).unwrap();
        let inside = std::thread::spawn(move || {
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpListener::bind(("127.0.0.1", port)).unwrap()
        });
        Way::between(inside.join().unwrap(), port);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Machines {
    fleet: RedisStore,
    networks: Vec<Network>,
}

impl Machines {
    fn new(count: usize) -> Option<Self> {
        let fleet = RedisStore::new()?;
        let zoho = url::Url::parse(fleet.test.sandbox.url()).unwrap().port().unwrap();
        let networks = (0..count).map(|_| Network::new()).collect::<Option<Vec<_>>>()?;
        for network in &networks {
            network.way(zoho);
            network.way(fleet.redis.port);
        }
        Some(Machines { fleet, networks })
    }

    fn start(&self, network: &Network, machine: usize, args: &[&str]) -> Running {
        let outside = self.fleet.command(machine, args);
        let mut inside = Command::new("nsenter");
        inside.arg(format!("--net={}", network.path())).arg(outside.get_program()).args(outside.get_args());
        inside.env_clear().stdin(Stdio::null());
        inside.envs(outside.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.fleet.test.start(inside)
    }
}

#[test]
fn sixteen_networks_of_cold_callers_cost_one_request() {
    let Some(world) = Machines::new(16) else { return };
    // Without forwarding, the network reaches nothing, so all later traffic is forwarded.
    let alone = Network::new().unwrap();
    world.start(&alone, 99, &["get", "--timeout", "3s"]).wait().failed(69, "unavailable");
    assert!(world.fleet.redis.keys().is_empty());
    world.fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(3)).unwrap();
    let args = ["get", "--timeout", "120s"];
    let machines = (0..50).flat_map(|_| world.networks.iter().enumerate());
    let running: Vec<_> = machines.map(|(machine, network)| world.start(network, machine, &args)).collect();
    let outcomes: Vec<_> = running.into_iter().map(Running::wait).collect();
    one_token(&outcomes);
    assert_eq!(world.fleet.requests(), 1);
}

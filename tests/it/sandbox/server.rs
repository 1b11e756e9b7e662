//! The server itself: TLS, a thousand concurrent clients, and its listen address.

use super::caller::{Caller, answered, http};
use std::io::{Read, Write};
use std::net::TcpStream;
use zoho_cred::sandbox::{Certificate, Endpoint, Fault, FaultKind, Options, Server};

fn with(certificate: Certificate) -> Server {
    Server::start(Options { tls: Some(certificate), ..Options::default() }).unwrap()
}

fn trusting(server: &Server) -> reqwest::blocking::Client {
    let ca = reqwest::Certificate::from_pem(server.ca_pem().unwrap().as_bytes()).unwrap();
    http().tls_certs_only([ca]).build().unwrap()
}

#[test]
fn bad_certificates_are_bad() {
    for certificate in [Certificate::WrongHost, Certificate::Expired, Certificate::Unknown] {
        let server = with(certificate);
        let got = trusting(&server).get(format!("{}/oauth/serverinfo", server.url())).send();
        assert!(got.is_err(), "{certificate:?}");
        assert_eq!(server.log(), []);
    }
}

#[test]
fn faults_below_http_work_over_tls_too() {
    let server = with(Certificate::Valid);
    let http = trusting(&server);
    let caller = Caller { server, http };
    caller.fault(FaultKind::MintThenReset);
    assert!(caller.try_refresh().is_err());
    caller.fault(FaultKind::Truncated);
    assert!(caller.try_refresh().unwrap_err().is_decode());
    caller.server.clear_faults();
    caller.token();
    assert_eq!(caller.server.counts().minted, 3);
}

#[test]
fn a_thousand_callers_at_once_are_all_answered() {
    let caller = Caller::new();
    caller.server.set_fault(Fault::new(Endpoint::Crm, FaultKind::Delay { ms: 500 }));
    let address = caller.server.url().trim_start_matches("http://").to_owned();
    let request = format!("GET /crm/v8/Leads HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut callers: Vec<TcpStream> = (0..1000).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for caller in &mut callers {
        caller.write_all(request.as_bytes()).unwrap();
    }
    for caller in &mut callers {
        let mut answer = String::new();
        caller.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert_eq!(caller.server.log().len(), 1000);
}

#[test]
fn it_listens_on_loopback_only() {
    let error = Server::start(Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() }).err();
    assert!(error.unwrap().to_string().contains("loopback"));
    let six = Server::start(Options { listen: "[::1]:0".parse().unwrap(), ..Options::default() });
    if let Ok(server) = six {
        assert!(server.url().starts_with("http://[::1]:"));
    }
}

#[test]
fn it_stops_when_it_is_dropped() {
    let server = Server::start(Options::default()).unwrap();
    let url = format!("{}/oauth/serverinfo", server.url());
    let http = http().build().unwrap();
    assert_eq!(answered(http.get(&url).send().unwrap()).0, 200);
    drop(server);
    assert!(http.get(&url).send().unwrap_err().is_connect());
}

//! TLS verification: certificates for another host, expired ones and untrusted ones are rejected.

use crate::harness::{Test, free_port, have, until};
use std::fs::File;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use zoho_cred::sandbox::{Certificate, Options};

#[test]
fn a_wrong_host_an_expired_certificate_or_an_unknown_authority_is_not_trusted() {
    for certificate in [Certificate::WrongHost, Certificate::Expired, Certificate::Unknown] {
        let test = Test::with(Options { tls: Some(certificate), ..Options::default() });
        let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap());
        test.call("get --ca-file").arg(ca).run().failed(69, "unavailable");
        assert_eq!((test.sandbox.log().len(), test.counted()), (0, 0));
    }
}

/// The input that an `openssl s_server` of this TLS version received, and the number of requests in the caller's ledger.
fn sent_over(version: &str) -> (String, usize) {
    let test = Test::new();
    let (certificate, key) = test.self_signed("127.0.0.1");
    sent_to(test, version, &certificate, &key)
}

/// Like `sent_over`, to a server with this certificate.
fn sent_to(test: Test, version: &str, certificate: &str, key: &str) -> (String, usize) {
    let said = test.file("said", "");
    let address = format!("127.0.0.1:{}", free_port());
    let mut server = Command::new("openssl");
    server.args(["s_server", "-quiet", "-cipher", "ALL:@SECLEVEL=0", "-key", key, "-cert", certificate]);
    server.args([version, "-accept", &address]).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut server = server.stdout(File::create(&said).unwrap()).spawn().unwrap();
    until("openssl s_server to listen", || TcpStream::connect(&address).is_ok());
    let test = test.var("ZOHO_ACCOUNTS_URL", &format!("https://{address}"));
    test.run(["get", "--timeout", "3s", "--ca-file", certificate]).failed(69, "unavailable");
    server.kill().unwrap();
    server.wait().unwrap();
    (std::fs::read_to_string(said).unwrap(), test.counted())
}

/// OpenSSL makes it an authority, and was refused as `CaUsedAsEndEntity` however it was named.
#[test]
fn a_self_signed_certificate_of_openssl_is_trusted_for_its_host() {
    if !have("openssl") {
        return;
    }
    let sent = |host: &str| {
        let test = Test::new();
        let at = |name: &str| test.dir.path().join(name).display().to_string();
        let (certificate, key) = (at("self.pem"), at("self.key"));
        let name = format!("subjectAltName=IP:{host}");
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-addext", &name]);
        openssl.args(["-keyout", &key, "-out", &certificate]).stderr(Stdio::null());
        assert!(openssl.status().unwrap().success());
        sent_to(test, "-tls1_3", &certificate, &key)
    };
    let (said, counted) = sent("127.0.0.1");
    assert!(said.starts_with("POST /oauth/v2/token") && counted == 1, "{said}, {counted}");
    assert_eq!(sent("127.0.0.2"), (String::new(), 0));
}

#[test]
fn a_server_that_speaks_nothing_newer_than_tls_1_1_gets_no_request() {
    if !have("openssl") {
        return;
    }
    let (sent, counted) = sent_over("-tls1_2");
    assert!(sent.starts_with("POST /oauth/v2/token") && counted == 1, "{sent}, {counted}");
    assert_eq!(sent_over("-tls1_1"), (String::new(), 0));
}

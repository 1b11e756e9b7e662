//! TLS is verified: a wrong host, an expired or an unknown certificate is no accounts server.

use crate::harness::Test;
use zoho_cred::sandbox::{Certificate, Options};

fn sandbox(certificate: Certificate) -> Test {
    let test = Test::with(Options { tls: Some(certificate), ..Options::default() });
    let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap());
    test.var("CA", ca.to_str().unwrap())
}

fn ca(test: &Test) -> String {
    test.dir.path().join("ca.pem").display().to_string()
}

#[test]
fn the_right_authority_is_believed() {
    let test = sandbox(Certificate::Valid);
    test.run(["get", "--ca-file", &ca(&test)]).ok();
    let test = sandbox(Certificate::Valid);
    let ca = ca(&test);
    test.var("SSL_CERT_FILE", &ca).get().ok();
}

#[test]
fn an_unknown_authority_is_not() {
    let test = sandbox(Certificate::Valid);
    test.get().failed(69, "unavailable");
    assert_eq!(test.sandbox.log().len(), 0);
}

#[test]
fn a_wrong_host_or_an_expired_certificate_is_not() {
    for certificate in [Certificate::WrongHost, Certificate::Expired] {
        let test = sandbox(certificate);
        let outcome = test.run(["get", "--ca-file", &ca(&test)]);
        outcome.failed(69, "unavailable");
        assert_eq!(test.sandbox.log().len(), 0);
        test.edit_state("ledgers", |json| assert_eq!(json["requests"].as_array().unwrap().len(), 0));
    }
}

#[test]
fn a_missing_authority_file_is_said() {
    let test = sandbox(Certificate::Valid);
    let outcome = test.run(["get", "--ca-file", "/nonexistent"]);
    outcome.failed(69, "unavailable");
    assert!(outcome.stderr.contains("/nonexistent"), "{outcome:?}");
}

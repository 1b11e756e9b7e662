//! Prometheus reads the token from a file maintained by `--watch`.

use crate::harness::{Test, until};
use crate::world::{Answer, Web, command, have_all, on_path, run};

#[test]
fn a_replaced_file_is_picked_up() {
    if !have_all(&["prometheus", "promtool"]) {
        return;
    }
    let test = on_path(Test::new());
    test.get().ok();
    let web =
        Web::start(|_| Answer("200 OK", "Content-Type: text/plain\r\n".into(), "up_to_date 1\n".into()));
    let out = test.dir.path().join("token");
    let settings = test.run("setup prometheus").stdout;
    let watch = test.call(["get", "--watch", "--output-file", out.to_str().unwrap()]).start();
    until("a token", || out.exists());
    let host = test.sandbox.url().trim_start_matches("http://").to_owned();
    let settings =
        settings.replace("/run/zoho-cred/token\n    static", &format!("{}\n    static", out.display()));
    let settings = settings.replace(&host, &web.host);
    let config = test.file("prometheus.yml", &format!("global: {{scrape_interval: 1s}}\n{settings}"));
    let config = config.to_str().unwrap();
    run(&test, "promtool", &["check", "config", config]).exits(0);
    let data = test.dir.path().join("data");
    let args = [
        format!("--config.file={config}"),
        format!("--storage.tsdb.path={}", data.display()),
        "--web.listen-address=127.0.0.1:0".into(),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let prometheus = test.start(command(&test, "prometheus", &args));
    let seen = |token: &str| {
        let header = format!("Zoho-oauthtoken {token}");
        web.seen().iter().any(|request| request.authorization() == Some(&*header))
    };
    let old = std::fs::read_to_string(&out).unwrap().trim().to_owned();
    until("a scrape with the token", || seen(&old));
    test.reject(&old).ok();
    until("another token in the file", || std::fs::read_to_string(&out).unwrap().trim() != old);
    let new = std::fs::read_to_string(&out).unwrap().trim().to_owned();
    until("a scrape with the new token", || seen(&new));
    prometheus.signal("TERM");
    prometheus.wait().exits(0);
    watch.terminate();
}

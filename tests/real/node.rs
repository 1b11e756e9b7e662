//! `setup node`: a fetch wrapper that rejects a dead token and retries once.

use crate::harness::Test;
use crate::world::{Answer, Web, have_all, on_path, run};

fn world() -> Option<Test> {
    if !have_all(&["node"]) {
        return None;
    }
    let test = on_path(Test::new());
    test.get().ok();
    let recipe = test.run("setup node").stdout;
    test.file("zoho-fetch.mjs", &recipe);
    Some(test)
}

#[test]
fn a_refusal_that_stays_is_handed_on_after_one_more_try() {
    let Some(test) = world() else { return };
    let web = Web::start(|_| Answer("401 Unauthorized", String::new(), "no".into()));
    let script = test.file(
        "call.mjs",
        &format!(
            "import {{ zohoFetch }} from './zoho-fetch.mjs';\nconst answer = await zohoFetch('{}', \
             {{ method: 'POST', body: 'x' }});\nconsole.log(answer.status);\n",
            web.url()
        ),
    );
    let outcome = run(&test, "node", &[script.to_str().unwrap()]);
    assert_eq!(outcome.ok(), "401");
    let seen = web.seen();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].authorization(), seen[1].authorization());
    assert!(seen.iter().all(|request| request.line.starts_with("POST ")));
}

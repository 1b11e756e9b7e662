//! `github` and `azure`: mask the token, then set the variables, as each CI system documents.
//!
//! Sources: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>,
//! <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>.

use crate::output::view::{View, variables};

/// The variable with the path of the file that sets variables for later steps.
pub(crate) const GITHUB_FILE: &str = "GITHUB_ENV";

/// The command that makes the runner mask the token in all later logs.
pub(crate) fn github_mask(view: &View<'_>) -> String {
    format!("::add-mask::{}\n", view.access_token)
}

/// The text to append to the file named by `GITHUB_ENV`. No value can end its block early as long as it does not
/// contain `delimiter`.
pub(crate) fn github_env(view: &View<'_>, delimiter: &str) -> String {
    let block = |(name, value): (&str, String)| format!("{name}<<{delimiter}\n{value}\n{delimiter}\n");
    variables(view).into_iter().map(block).collect()
}

/// The commands that mask the token, then set the variables.
pub(crate) fn azure(view: &View<'_>) -> String {
    let mut text = format!("##vso[task.setsecret]{}\n", view.access_token);
    for (name, value) in variables(view) {
        let secret = if name == "ZOHO_ACCESS_TOKEN" { ";issecret=true" } else { "" };
        text += &format!("##vso[task.setvariable variable={name}{secret}]{value}\n");
    }
    text
}

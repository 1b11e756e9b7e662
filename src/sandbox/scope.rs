//! Scopes: `Service.module.OPERATION`. Requests separate them by commas, responses by blanks. Case is ignored.

/// Parses a scope parameter. `None`, Zoho's invalid scope, if there are none, if they are not separated by commas,
/// or if one is malformed.
pub(super) fn parse(parameter: Option<&str>) -> Option<Vec<String>> {
    let scopes: Vec<String> = parameter?.split(',').map(str::to_owned).collect();
    scopes.iter().all(|scope| is_scope(scope)).then_some(scopes)
}

fn is_scope(scope: &str) -> bool {
    if matches!(scope, "email" | "openid" | "profile") {
        return true;
    }
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    scope.contains('.') && scope.split('.').all(word)
}

/// Whether the granted scopes allow an operation. For example, `ZohoCRM.modules` + `leads` + `READ` is allowed by
/// `ZohoCRM.modules.ALL`, `ZohoCRM.modules.READ`, `ZohoCRM.modules.leads.ALL` and `ZohoCRM.modules.leads.READ`.
pub(super) fn allows(granted: &[String], area: &str, module: Option<&str>, operation: &str) -> bool {
    let mut wanted = vec![format!("{area}.ALL"), format!("{area}.{operation}")];
    if let Some(module) = module {
        wanted.push(format!("{area}.{module}.ALL"));
        wanted.push(format!("{area}.{module}.{operation}"));
    }
    granted.iter().any(|scope| wanted.iter().any(|one| one.eq_ignore_ascii_case(scope)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_only() {
        assert_eq!(parse(Some("ZohoCRM.modules.ALL,email")).map(|scopes| scopes.len()), Some(2));
        for refused in ["", "ZohoCRM.modules.ALL email", "ZohoCRM.modules.ALL,", "ZohoCRM", "a..b", "a.b;c.d"]
        {
            assert_eq!(parse(Some(refused)), None, "{refused}");
        }
        assert_eq!(parse(None), None);
    }

    #[test]
    fn case_never_matters() {
        let granted = vec!["zohocrm.MODULES.Leads.all".to_owned()];
        assert!(allows(&granted, "ZohoCRM.modules", Some("leads"), "READ"));
        assert!(!allows(&granted, "ZohoCRM.modules", Some("contacts"), "READ"));
    }
}

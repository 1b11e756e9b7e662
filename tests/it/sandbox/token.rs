//! The token endpoint, revocation, and the APIs that accept the token.

use super::caller::{Caller, answered, secret, with_query};
use serde_json::json;
use zoho_cred::sandbox::{ClientKind, Options};

#[test]
fn a_refresh_gives_a_token_that_the_crm_takes() {
    let caller = Caller::new();
    let (status, body) = caller.refresh();
    let token = body["access_token"].as_str().unwrap();
    let all = json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer",
        "api_domain": caller.server.url(), "scope": "ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.org.READ"});
    assert_eq!((status, &body), (200, &all));
    let (status, leads) = caller.get("/crm/v8/Leads?fields=Last_Name", token);
    assert_eq!((status, leads["data"][0]["Last_Name"].as_str()), (200, Some("Yamada")));
    let entry = &caller.server.log()[0];
    assert_eq!((entry.outcome.as_str(), entry.minted, entry.status), ("granted", true, Some(200)));
    assert_eq!(entry.params["client_secret"], "(hidden)");
    assert!(!entry.secrets_in_query && entry.in_query.is_empty());
    assert_eq!(entry.token_fp, caller.last().token_fp);
}

#[test]
fn what_zoho_refuses_is_refused() {
    let caller = Caller::new();
    let server = &caller.server;
    let form = caller.refresh_form(server.refresh_token());
    let url = caller.url("/oauth/v2/token");

    let got = caller.http.get(with_query(&url, &form)).send().unwrap();
    assert_eq!(got.status().as_u16(), 400);
    assert!(got.text().unwrap().contains("<html"));
    assert!(caller.last().secrets_in_query);

    assert_eq!(caller.post("/oauth/v2/token", &form[1..]).0, 400);
    assert_eq!(caller.last().outcome, "missing_grant_type");

    let as_json = json!(form.iter().copied().collect::<std::collections::HashMap<_, _>>());
    assert_eq!(answered(caller.http.post(&url).json(&as_json).send().unwrap()).0, 400);

    for (field, value, error) in [
        ("client_id", "1000.NOBODY", "invalid_client"),
        ("client_secret", "wrong", "invalid_client_secret"),
        ("client_secret", "", "invalid_client_secret"),
        ("refresh_token", "1000.dead.dead", "invalid_code"),
        ("grant_type", "password", "invalid_code"),
    ] {
        let mut form = form.clone();
        form.iter_mut().find(|(name, _)| *name == field).unwrap().1 = value;
        assert_eq!(caller.post("/oauth/v2/token", &form), (200, json!({"error": error})), "{field}={value}");
        assert_eq!(caller.last().outcome, error);
    }
    assert_eq!(server.counts().minted, 0);
}

#[test]
fn parameters_may_come_in_the_query_and_that_is_seen() {
    let caller = Caller::new();
    let url = caller.url("/oauth/v2/token");
    let form = caller.refresh_form(caller.server.refresh_token());
    let (status, body) = answered(caller.http.post(with_query(&url, &form)).send().unwrap());
    assert!(status == 200 && body["access_token"].is_string());
    assert!(caller.last().secrets_in_query);
    assert_eq!(caller.last().in_query.len(), 4);
}

#[test]
fn the_client_may_use_basic_authentication() {
    let caller = Caller::new();
    let server = &caller.server;
    let url = caller.url("/oauth/v2/token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", server.refresh_token())];
    let request =
        caller.http.post(url).basic_auth(server.client_id(), Some(server.client_secret())).form(&form);
    assert!(answered(request.send().unwrap()).1["access_token"].is_string());
    assert_eq!(caller.last().authorization_scheme.as_deref(), Some("Basic"));
}

#[test]
fn client_credentials_are_for_self_clients_and_have_no_refresh_token() {
    let caller = Caller::new();
    let ask = |kind, soid: &str, scope: &str| {
        let client = caller.server.client(kind);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &client.client_id),
            ("client_secret", secret(client, "us")),
            ("scope", scope),
            ("soid", soid),
        ];
        caller.post("/oauth/v2/token", &form)
    };
    let soid = caller.server.soid();
    let (status, body) = ask(ClientKind::SelfClient, soid, "ZohoCRM.modules.READ");
    assert_eq!((status, body["scope"].as_str()), (200, Some("ZohoCRM.modules.READ")));
    assert!(body["refresh_token"].is_null());
    let error = |answer: (u16, serde_json::Value)| answer.1["error"].as_str().unwrap().to_owned();
    assert_eq!(error(ask(ClientKind::ServerBased, soid, "ZohoCRM.modules.READ")), "invalid_client");
    assert_eq!(error(ask(ClientKind::SelfClient, "", "ZohoCRM.modules.READ")), "missing_org_info");
    assert_eq!(error(ask(ClientKind::SelfClient, "ZohoCRM.1", "ZohoCRM.modules.READ")), "invalid_soid");
    let (_, body) = ask(ClientKind::SelfClient, "", "ZohoCliq.Webhooks.CREATE");
    assert!(body["access_token"].is_string(), "{body}: Cliq has no organizations");
    assert_eq!(error(ask(ClientKind::SelfClient, soid, "a.b c.d")), "invalid_scope");
}

#[test]
fn revoking_kills_the_refresh_token_with_all_its_access_tokens() {
    let caller = Caller::new();
    let (first, second) = (caller.token(), caller.token());
    let revoke = |token: &str| caller.post("/oauth/v2/token/revoke", &[("token", token)]);
    assert_eq!(revoke(&first), (200, json!({"status": "success"})));
    assert!(!caller.lives(&first) && caller.lives(&second));
    assert_eq!(revoke(caller.server.refresh_token()), (200, json!({"status": "success"})));
    assert!(!caller.lives(&second));
    assert_eq!(caller.refresh(), (200, json!({"error": "invalid_code"})));
    assert_eq!(revoke(caller.server.refresh_token()).0, 400);
}

#[test]
fn the_newer_way_to_revoke_asks_who_the_client_is() {
    let caller = Caller::new();
    let server = &caller.server;
    let revoke = |secret: &str, kind: &str| {
        let url = caller.url("/oauth/v2/revoke/token");
        let form = [("token", server.refresh_token()), ("token_type", kind)];
        let request = caller.http.post(url).basic_auth(server.client_id(), Some(secret));
        request.form(&form).send().unwrap().status()
    };
    assert_eq!(revoke("wrong", "refresh_token"), 400);
    assert_eq!(revoke(server.client_secret(), "access_token"), 400);
    assert_eq!(revoke(server.client_secret(), "refresh_token"), 200);
}

#[test]
fn the_crm_speaks_as_zoho_does() {
    let scopes = vec!["ZohoCRM.modules.leads.READ".to_owned()];
    let caller = Caller::with(Options { scopes, ..Options::default() });
    let token = caller.token();
    let mismatch = json!({"code": "OAUTH_SCOPE_MISMATCH", "details": {},
        "message": "invalid oauth scope to access this URL", "status": "error"});
    assert_eq!(caller.get("/crm/v8/org", &token), (401, mismatch.clone()));
    assert_eq!(caller.get("/crm/v8/Contacts", &token), (401, mismatch));
    let invalid =
        json!({"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"});
    assert_eq!(caller.get("/crm/v8/Leads", "1000.x.y"), (401, invalid));
    let url = format!("{}/crm/v8/Leads?fields=Last_Name", caller.server.api_domain());
    assert_eq!(caller.http.get(&url).bearer_auth(&token).send().unwrap().status(), 200);
    assert_eq!(caller.http.get(with_query(&url, &[("access_token", &token)])).send().unwrap().status(), 401);
    assert_eq!(caller.last().outcome, "AUTHENTICATION_FAILURE");
}

#[test]
fn server_info_lists_the_data_centers() {
    let caller = Caller::with(Options {
        data_center: "jp".into(),
        other_data_centers: vec!["eu".into()],
        ..Options::default()
    });
    let (_, body) = caller.get("/oauth/serverinfo", "");
    let locations = json!({"jp": caller.server.url(), "eu": caller.server.url_of("eu").unwrap()});
    assert_eq!(body, json!({"result": "success", "locations": locations}));
}

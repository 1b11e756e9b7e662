//! What the answers of Zoho's OAuth endpoints and its redirects mean. `wire.rs` has the documented answers.

mod token_answer {
    use zoho_cred::oauth::{Answer, classify};
    use zoho_cred::problem::Problem;

    fn of(status: u16, body: &str) -> Answer {
        classify(status, body.as_bytes(), false)
    }

    /// Answers like the documented ones: class, statuses, and bodies, one a line. `-` is an empty body.
    const VARIATIONS: [(&str, &[u16], &str); 9] = [
        (
            "throttled",
            &[200, 400, 401, 403],
            r#"{"error_description":"You have made too many requests continuously.","error":"Access Denied","status":"failure"}
            {"error":"拒绝访问"}
            {"error":"access denied"}
            {"error":"Accès refusé","status":"error"}
            {"error":"アクセスが拒否されました"}
            {"status":"FAILURE"}
            {"error":"invalid_code","status":"failure"}
            {"error":"odd","error_description":"x"}
            {"error_description":"too many"}
            {"error":{"code":7},"error_description":"too many"}
            {"cause":"THROTTLES_LIMIT_EXCEEDED"}
            {"error":{"title":"URL_FIXED_THROTTLES_LIMIT_EXCEEDED","status_code":"400"}}"#,
        ),
        (
            "throttled",
            &[429],
            r#"-
            <html>
            {"error":"invalid_code"}
            {"access_token":"1000.a.b"}"#,
        ),
        (
            "refused",
            &[200, 400, 401],
            r#"{"error":"invalid_code"}
            {"error":"INVALID_CODE","extra":{"a":[1]}}
            {"error":"invalid_token","status":"error"}
            {"error":"unconfirmed_user"}"#,
        ),
        (
            "misconfigured",
            &[200, 400, 401],
            r#"{"error":"invalid_client"}
            {"error":"Invalid_Client","error_description":"x"}
            {"error":"invalid_client_secret"}
            {"error":"invalid_redirect_uri"}
            {"error":"restricted_client"}
            {"error":"invalid_scopes"}
            {"error":"missing_org_info"}
            {"error":"missing_org"}
            {"error":"org_missing"}
            {"error":"invalid_soid"}
            {"code":"T102"}"#,
        ),
        (
            "unknown",
            &[200, 400, 404],
            r#"{"error":"general_error"}
            {"error":"server_error"}
            {"error":"access_denied"}
            {"error":"odd","error_description":null}
            {"error":"odd","error_description":" "}"#,
        ),
        (
            "transient",
            &[200, 400, 404],
            r#"-
            null
            {}
            [{"error":"invalid_code"}]
            "invalid_code"
            {"error":null}
            {"error":5}
            {"error":["invalid_code"]}
            {"error":{"code":"x"}}
            {"error":"two words"}
            {"error":"invalid_code"
            <html>invalid_code</html>
            error=invalid_code
            {"token_type":"Bearer","expires_in":3600}
            {"access_token":5}"#,
        ),
        (
            "transient",
            &[500, 502, 503],
            r#"-
            <html>
            {"error":"invalid_code"}
            {"access_token":"1000.a.b"}
            {"error":"Access Denied","status":"failure"}"#,
        ),
        ("transient", &[301, 302, 400], r#"{"access_token":"1000.a.b"}"#),
        (
            "granted",
            &[200, 201],
            r#"{"access_token":"1000.a.b"}
            {"access_token":"1000.a.b","error":"invalid_code","error_description":"x"}
            {"access_token":"1000.a.b","expires_in":3600.0,"api_domain":null,"id_token":"x=="}"#,
        ),
    ];

    #[test]
    fn answers_of_the_same_kind_have_the_same_class() {
        for (class, statuses, bodies) in VARIATIONS {
            for body in bodies.lines().map(|line| line.trim().trim_start_matches('-')) {
                for status in statuses {
                    let found = format!("{:?}", of(*status, body)).to_lowercase();
                    assert!(found.starts_with(class), "{class}: {status} {body}: {found}");
                }
            }
        }
    }

    #[test]
    fn an_answer_in_another_encoding_is_understood_as_far_as_it_matters() {
        let throttle = b"{\"error\":\"\x8b\x91\x94\xdb\",\"status\":\"failure\"}";
        assert_eq!(classify(400, throttle, false), Answer::Throttled);
        let marked = b"\xef\xbb\xbf{\"access_token\":\"1000.a.b\"}";
        assert!(matches!(classify(200, marked, false), Answer::Granted(_)));
        let broken = b"{\"access_token\":\"1000.a\xff.b\"}";
        assert!(matches!(classify(200, broken, false), Answer::Transient(_)));
    }

    #[test]
    fn only_an_error_that_is_a_plain_word_is_repeated() {
        let of = |error: &str| of(200, &serde_json::json!({ "error": error }).to_string());
        assert_eq!(of("general_error"), Answer::Unknown("general_error".into()));
        let longest = "a".repeat(65);
        for strange in ["a scope <b>", "no_scope\u{1b}[2J", "with a blank", "a-b", "::error::x", "", &longest]
        {
            assert_eq!(of(strange), Answer::Transient(Problem::Status(200)), "{strange}");
        }
    }

    #[test]
    fn a_life_is_read_as_every_zoho_product_writes_it() {
        for (life, expected) in [
            ("", Some(3600)),
            (r#","expires_in":3600"#, Some(3600)),
            (r#","expires_in_sec":3600,"expires_in":3600000"#, Some(3600)),
            (r#","expires_in":1800000"#, Some(1800)),
            (r#","expires_in":"1800""#, Some(1800)),
            (r#","expires_in":86400"#, Some(3600)),
            (r#","expires_in":30"#, None),
            (r#","expires_in":-5"#, None),
        ] {
            let answer = of(200, &format!(r#"{{"access_token":"1000.a.b"{life}}}"#));
            let found =
                if let Answer::Granted(granted) = answer { Some(granted.life.as_secs()) } else { None };
            assert_eq!(found, expected, "{life}");
        }
        let short = br#"{"access_token":"1000.a.b","expires_in":5}"#;
        assert!(matches!(classify(200, short, true), Answer::Granted(_)));
    }

    #[test]
    fn hostile_tokens_are_not_taken() {
        for token in ["a\\nb", "a\\\"b", "a\\u0000b", "a b", ""] {
            let body = format!(r#"{{"access_token":"{token}"}}"#);
            assert!(matches!(of(200, &body), Answer::Transient(_)), "{body}");
        }
    }

    #[test]
    fn an_api_domain_is_an_address_without_secrets_or_query() {
        let of = |domain: &str, scope: &str| {
            let body =
                serde_json::json!({"access_token": "a", "api_domain": domain, "scope": scope}).to_string();
            let Answer::Granted(granted) = of(200, &body) else { panic!("{domain}") };
            (granted.api_domain, granted.scopes)
        };
        let domain = |domain: &str| of(domain, "").0;
        for good in ["https://www.zohoapis.eu", "http://127.0.0.1:8080", "http://localhost:1"] {
            assert_eq!(domain(good).as_deref(), Some(good));
        }
        assert_eq!(domain("https://www.zohoapis.eu/").as_deref(), Some("https://www.zohoapis.eu"));
        for bad in [
            "http://www.zohoapis.eu",
            "ftp://127.0.0.1",
            "https://user@www.zohoapis.eu",
            "https://:word@www.zohoapis.eu",
            "https://www.zohoapis.eu/?a=b",
            "https://www.zohoapis.eu/#a",
            "https://$(id).zohoapis.eu",
            "https://www.zohoapis.eu/$(id)",
            "https://www.zohoapis.eu/';id;'",
            "https://www.zohoapis.eu/`id`",
            "https://x.example/\nEvil: 1",
            "www.zohoapis.eu",
            "",
        ] {
            assert_eq!(domain(bad), None, "{bad}");
        }
        assert_eq!(of("", "").1, None);
        assert_eq!(of("", "ZohoCRM.org.READ,a").1, Some(vec!["ZohoCRM.org.READ".to_owned(), "a".to_owned()]));
    }
}

mod device_answer {
    use zoho_cred::oauth::Answer;
    use zoho_cred::oauth::device::{Poll, read_code, read_poll};

    #[test]
    fn a_code_is_read_with_its_times() {
        let times = |times: &str| {
            let body = format!(
                r#"{{"user_code":"AB-CD","device_code":"1004.x.y","verification_url":"https://x"{times}}}"#
            );
            let code = read_code(body.as_bytes()).unwrap();
            (code.interval.as_millis(), code.life.as_secs())
        };
        assert_eq!(times(r#","interval":5000,"expires_in":300000"#), (5_000, 300));
        assert_eq!(times(r#","interval":7,"expires_in":999"#), (7_000, 999));
        assert_eq!(times(r#","interval":"8000","expires_in":" 200 ""#), (8_000, 200));
        assert_eq!(times(r#","interval":1001,"expires_in":1000"#), (1_001, 1));
        assert_eq!(times(r#","interval":0,"expires_in":"soon""#), (5_000, 300));
        assert_eq!(times(r#","expires_in":86400000"#), (5_000, 1_800));
        assert_eq!(read_code(br#"{"error":"invalid_client"}"#), Err("invalid_client".into()));
        for bad in ["<html>", r#"{"user_code":"A\u001b[2J","device_code":"x","verification_url":"y"}"#] {
            assert!(read_code(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn polls_are_told_apart() {
        let poll = |body: &str| read_poll(200, body.as_bytes(), false);
        for (error, expected) in [
            ("authorization_pending", Poll::Pending),
            ("slow_down", Poll::SlowDown),
            ("access_denied", Poll::Denied),
            ("expired", Poll::Expired),
            ("expired_token", Poll::Expired),
            ("other_dc", Poll::OtherDataCenter("eu".into())),
        ] {
            let body = format!(r#"{{"error":"{error}","user_location":"eu"}}"#);
            assert_eq!(poll(&body), expected);
            let failed = read_poll(503, body.as_bytes(), false);
            assert!(matches!(failed, Poll::Answer(Answer::Transient(_))), "{error}");
        }
        assert!(matches!(poll(r#"{"error":"other_dc"}"#), Poll::Answer(Answer::Unknown(_))));
        assert!(matches!(poll("<html>"), Poll::Answer(Answer::Transient(_))));
        let granted = poll(r#"{"access_token":"1.a.b","expires_in":3600}"#);
        assert!(matches!(granted, Poll::Answer(Answer::Granted(_))));
    }
}

mod revoke_answer {
    use zoho_cred::oauth::revoke::{Revoked, outcome};

    #[test]
    fn success_and_a_dead_token_are_revoked() {
        assert_eq!(outcome(200, br#"{"status":"success"}"#), Revoked::Now);
        assert_eq!(outcome(400, b""), Revoked::Before);
        for error in ["invalid_token", "invalid_code", "invalid_grant", "INVALID_TOKEN"] {
            assert_eq!(outcome(200, format!(r#"{{"error":"{error}"}}"#).as_bytes()), Revoked::Before);
        }
    }

    #[test]
    fn anything_else_is_not() {
        for (status, body) in [
            (400, r#"{"status":"failure"}"#),
            (400, r#"{"error_description":"x"}"#),
            (200, r#"{"error_description":"x","error":"Access Denied","status":"failure"}"#),
            (429, r#"{"error":"invalid_token"}"#),
            (429, ""),
            (400, r#"{"error":"invalid_client"}"#),
            (200, "<html>"),
            (302, ""),
            (404, ""),
            (503, r#"{"error":"invalid_code"}"#),
        ] {
            assert!(matches!(outcome(status, body.as_bytes()), Revoked::No(_)), "{status} {body}");
        }
    }
}

mod redirect {
    use zoho_cred::model::AccountsUrl;
    use zoho_cred::oauth::callback::{Callback, pasted, read};
    use zoho_cred::secret::Secret;

    fn zoho() -> AccountsUrl {
        AccountsUrl::new("https://accounts.zoho.com").unwrap()
    }

    fn state() -> Secret {
        Secret::new("s3cret-state")
    }

    fn of(query: &str) -> Callback {
        read(query, &state(), &zoho())
    }

    #[test]
    fn the_captured_shape_is_read() {
        let query =
            "state=s3cret-state&code=1000.aa.bb&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu&";
        let Callback::Granted { code, accounts } = of(query) else { panic!() };
        assert_eq!((code.expose(), accounts.as_str()), ("1000.aa.bb", "https://accounts.zoho.eu"));
    }

    #[test]
    fn forged_redirects_lead_nowhere() {
        let good = "state=s3cret-state&code=1000.aa.bb";
        for (query, wanted) in [
            ("code=1000.aa.bb".to_owned(), Callback::Foreign),
            ("state=other&code=1000.aa.bb".to_owned(), Callback::Foreign),
            (format!("{good}&state=s3cret-state"), Callback::Foreign),
            ("error=access_denied".to_owned(), Callback::Stray("access_denied".into())),
            ("state=s3cret-state&error=access_denied".to_owned(), Callback::Denied("access_denied".into())),
        ] {
            assert_eq!(of(&query), wanted, "{query}");
        }
        for server in [
            "http://accounts.zoho.eu",
            "https://accounts.zoho.eu:8443",
            "https://x@accounts.zoho.eu",
            "https://accounts.zoho.eu.evil.example",
            "https://evil.accounts.zoho.eu",
            "https://accounts-zoho.eu",
            "https://accounts.zoho.eu/path",
            "https://accounts.zoho.eu//",
        ] {
            let query = format!("{good}&accounts-server={server}");
            assert!(matches!(of(&query), Callback::Untrusted(_)), "{server}");
        }
        let contradiction = format!("{good}&location=us&accounts-server=https%3A%2F%2Faccounts.zoho.eu");
        assert!(matches!(of(&contradiction), Callback::Untrusted(_)));
        assert!(matches!(of(&format!("{good}&location=mars")), Callback::Untrusted(_)));
        assert!(matches!(of("state=s3cret-state&code=a%0Ab"), Callback::Untrusted(_)));
    }

    #[test]
    fn a_location_alone_names_the_data_center() {
        let accounts = |query: &str| match of(&format!("state=s3cret-state&code=1000.aa.bb{query}")) {
            Callback::Granted { accounts, .. } => accounts.as_str().to_owned(),
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(accounts(""), "https://accounts.zoho.com");
        assert_eq!(accounts("&location=eu"), "https://accounts.zoho.eu");
        assert_eq!(accounts("&accounts-server=https://accounts.zoho.jp/"), "https://accounts.zoho.jp");
    }

    #[test]
    fn a_strangers_words_are_short_and_plain() {
        let error = format!("access_denied-1.%1b[2J%20{}", "a".repeat(100));
        let Callback::Stray(words) = of(&format!("error={error}")) else { panic!() };
        assert_eq!(words, format!("access_denied-1.2J{}", "a".repeat(46)));
    }

    #[test]
    fn a_server_of_ones_own_is_believed_by_its_own_name_only() {
        let own = AccountsUrl::new("http://127.0.0.1:8080").unwrap();
        let of = |query: &str| read(query, &state(), &own);
        let good = "state=s3cret-state&code=1000.aa.bb&location=us";
        let query = format!("{good}&accounts-server=http%3A%2F%2F127.0.0.1%3A8080");
        assert!(matches!(of(&query), Callback::Granted { accounts, .. } if accounts == own));
        assert!(matches!(of(good), Callback::Granted { accounts, .. } if accounts == own));
        assert!(matches!(of(&format!("{good}&accounts-server=http://127.0.0.1:9")), Callback::Untrusted(_)));
    }

    #[test]
    fn a_paste_is_an_address_or_a_code() {
        let pasted = |text: &str| pasted(text, &state());
        let query = "state=x&code=1000.a.b&location=us&";
        assert_eq!(pasted(&format!("https://www.google.com/?{query}\n")).as_deref(), Some(query));
        assert_eq!(pasted(query).as_deref(), Some(query), "the state is not replaced");
        assert_eq!(pasted("error=access_denied").as_deref(), Some("error=access_denied"));
        for code in [" 1000.a.b\n", "code=1000.a.b", "1000.a.b&location=us&", "location=us&code=1000.a.b&"] {
            let granted = of(&pasted(code).unwrap());
            assert!(
                matches!(granted, Callback::Granted { code, .. } if code.expose() == "1000.a.b"),
                "{code}"
            );
        }
        for neither in ["not a code", "hello", "what?", "https://www.google.com/?", "a=1000.a.b", ""] {
            assert_eq!(pasted(neither), None, "{neither}");
        }
    }
}

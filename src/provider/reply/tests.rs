use super::*;
use proptest::prelude::*;

fn parse(body: &str) -> Reply {
    Reply::parse(401, body.as_bytes()).0
}

#[test]
fn the_token_is_handed_out_and_left_nowhere_else() {
    let body = r#"{"access_token":"canary-4Td8","expires_in":"3599","token_type":"Bearer","status":"approved"}"#;
    let (reply, tokens) = Reply::parse(200, body.as_bytes());
    assert_eq!(tokens.granted.unwrap(), "canary-4Td8");
    assert!(tokens.stray.is_empty());
    assert_eq!((reply.token_lifetime, reply.error.as_deref()), (Some(3599), None));
    assert!(!format!("{reply:?}").contains("canary"));
}

#[test]
fn the_tokens_of_a_refusal_are_handed_out_to_be_hidden() {
    let stray = |status, body: &str| {
        let (_, tokens) = Reply::parse(status, body.as_bytes());
        assert!(tokens.granted.is_none());
        let mut stray: Vec<String> = tokens.stray.iter().map(|token| token.expose().to_owned()).collect();
        stray.dedup();
        stray
    };
    let body =
        r#"{"access_token":"canary/4Td8","refresh_token":"canary-r","id_token":"canary-i","error":"canary/4Td8"}"#;
    for status in [200, 400, 401, 500] {
        for token in ["canary/4Td8", "canary-r", "canary-i"] {
            assert!(stray(status, body).iter().any(|found| found == token), "{status} {token}");
        }
    }
    for body in [
        r#"{"error":{"message":"x","detail":{"accessToken":"canary-4Td8"}}}"#,
        r#"{"error":"x","error_description":"{\"access_token\":\"canary-4Td8\"}"}"#,
        r#"{"error":"canary-4Td8","access_token":"canary-4Td8""#,
        "error=canary-4Td8&access_token=canary-4Td8",
        "upstream said access_token: canary-4Td8",
    ] {
        assert!(stray(400, body).iter().any(|found| found == "canary-4Td8"), "{body}");
    }
    let twice = r#"{"error":"canary-second","access_token":"canary-first","access_token":"canary-second"}"#;
    assert!(stray(200, twice).iter().any(|found| found == "canary-second"));
}

#[test]
fn n10_a_token_beside_an_error_is_no_proof() {
    let granted = |error: &str| {
        let body = format!(r#"{{"access_token":"canary-4Td8","error":{error}}}"#);
        Reply::parse(200, body.as_bytes()).1.granted.is_some()
    };
    for error in [r#""invalid_client""#, r#"{"code":1}"#, r#"["x"]"#, "true", "401"] {
        assert!(!granted(error), "{error}");
    }
    for error in ["null", r#""""#, "false", "0", "{}", "[]"] {
        assert!(granted(error), "{error}");
    }
}

#[test]
fn entras_members_are_taken_over() {
    let reply = parse(
        r#"{"error":"invalid_grant","error_description":"AADSTS53003: Blocked.","error_codes":[53003],"trace_id":"t","correlation_id":"c","suberror":"message_only","claims":"{\"access_token\":{}}"}"#,
    );
    assert_eq!(reply.error_codes, [53003]);
    assert_eq!((reply.trace_id.as_deref(), reply.correlation_id.as_deref()), (Some("t"), Some("c")));
    assert_eq!(reply.suberror.as_deref(), Some("message_only"));
}

#[test]
fn numbers_are_found_in_every_form_and_only_whole() {
    for (body, codes) in [
        (r#"{"error_codes":["70002","50012"]}"#, vec![70002, 50012]),
        (
            r#"{"error_codes":[70002],"error_description":"AADSTS70002: Error. AADSTS50012: Invalid client secret"}"#,
            vec![70002, 50012],
        ),
        (r#"{"error_description":"AADSTS900023: Specified tenant"}"#, vec![900_023]),
        ("error_description=AADSTS70011: The provided value", vec![70011]),
        ("ServerError: temporarily_unavailable: 50033 - [2021-08-02 15:36:10Z]: CCS", vec![50033]),
        ("<html><p>AADSTS7000112: Application is disabled.</p></html>", vec![7_000_112]),
        (r#""{\"error\":\"invalid_client\",\"error_codes\":[7000222]}""#, vec![7_000_222]),
        (r#"{\"error\":\"invalid_client\",\"error_codes\":[7000222]}"#, vec![7_000_222]),
        ("AADSTS: none, AADSTSx12", vec![]),
    ] {
        assert_eq!(parse(body).error_codes, codes, "{body}");
    }
}

#[test]
fn the_error_is_found_under_every_name() {
    for (body, error, said) in [
        (r#"{"error":"invalid_client","error_description":"No."}"#, Some("invalid_client"), Some("No.")),
        (r#"{"errorCode":"E0000047","errorSummary":"Too many."}"#, Some("E0000047"), Some("Too many.")),
        (r#"{"error":401,"reason":"Unauthorized"}"#, Some("401"), Some("Unauthorized")),
        (r#"{"error":{"code":"invalid_client","message":"No."}}"#, Some("invalid_client"), Some("No.")),
        (
            r#"{"fault":{"faultstring":"Invalid","detail":{"errorcode":"oauth.v2.X"}}}"#,
            Some("oauth.v2.X"),
            Some("Invalid"),
        ),
        (
            r#"{"errors":[{"code":99,"label":"authenticity_token_error","message":"No."}]}"#,
            Some("authenticity_token_error"),
            Some("No."),
        ),
        (
            r#"{"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}"#,
            Some("invalid_client"),
            Some("ClientId is Invalid"),
        ),
        (
            r#"{"status":401,"error":"Unauthorized","code":"invalid_client","message":"No."}"#,
            Some("invalid_client"),
            Some("No."),
        ),
        (r#"{"status":400,"message":"invalid client"}"#, None, Some("invalid client")),
        (
            "OAuth2Error: invalid_client: Bad client",
            Some("invalid_client"),
            Some("OAuth2Error: invalid_client: Bad client"),
        ),
        (
            "error=incorrect_client_credentials&error_description=Wrong+id.",
            Some("incorrect_client_credentials"),
            Some("Wrong id."),
        ),
        (
            "<OAuth><error>invalid_client</error></OAuth>",
            Some("invalid_client"),
            Some("<OAuth><error>invalid_client</error></OAuth>"),
        ),
        (r#"{"error":{"code":4,"message":"invalid_client"}}"#, Some("invalid_client"), None),
        ("<html>invalid_client</html>", None, None),
    ] {
        let reply = parse(body);
        assert_eq!((reply.error.as_deref(), reply.description.as_deref()), (error, said), "{body}");
    }
}

proptest! {
    #[test]
    fn no_answer_upsets_it(status in 0u16..=999, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let (reply, tokens) = Reply::parse(status, &body);
        prop_assert_eq!(reply.has_token, tokens.granted.is_some());
    }

    #[test]
    fn no_broken_object_is_a_token(cut in 0usize..60) {
        let body = br#"{"token_type":"Bearer","access_token":"canary","expires_in":1}"#;
        let (reply, tokens) = Reply::parse(200, &body[..cut.min(body.len() - 1)]);
        prop_assert!(!reply.has_token && tokens.granted.is_none());
    }
}

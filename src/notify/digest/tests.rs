use mailparse::{MailHeaderMap, ParsedMail, parse_mail};

use super::*;
use crate::{
    assess::Policy,
    inventory::App,
    notify::{Tonight, mail::Mail, preview},
    state::{Memory, fixture::*},
};

fn mails(apps: &[(App, Verdict, Option<&str>)], admins: &[&str], change: impl Fn(&mut Assessment<'_>)) -> Vec<Mail> {
    let now = at("2026-11-01");
    let mut assessments: Vec<_> = apps.iter().map(|(app, verdict, end)| judged(app, now, *verdict, *end)).collect();
    assessments.iter_mut().for_each(change);
    let admins: Vec<_> = admins.iter().map(|admin| (*admin).to_owned()).collect();
    let tonight = Tonight {
        run_id: "r1",
        now,
        last_run: Some(at("2026-10-29")),
        assessments: &assessments,
        memory: &Memory::default(),
        partial: false,
        policy: &Policy::default(),
    };
    preview("credwatch <credwatch@example.org>", &admins, &tonight).unwrap()
}

fn part(mail: &ParsedMail<'_>, kind: &str) -> String {
    let part = mail.parts().find(|part| part.ctype.mimetype == kind).unwrap();
    part.get_body().unwrap().replace("\r\n", "\n")
}

#[test]
fn an_admin_reads_first_how_credwatch_itself_signs_in() {
    let mut own = app("credwatch itself", &[]);
    own.origin = None;
    let apps = [
        (own, Verdict::Valid, Some("2026-11-20")),
        (app("payroll", &["ann@example.org"]), Verdict::InvalidSecret, Some("2026-11-08")),
    ];
    let mails = mails(&apps, &["secops@example.org"], |_| ());
    let to_admin = mails.iter().find(|mail| mail.to == "secops@example.org").unwrap();
    assert_eq!(to_admin.subject, "[credwatch] 2 credentials need attention: credwatch itself expires in 19 days");
    let at = |name| to_admin.text.find(name).unwrap();
    assert!(at("WARNING  credwatch itself") < at("CRITICAL  payroll"), "{}", to_admin.text);
    assert!(!mails.iter().any(|mail| mail.to == "ann@example.org" && mail.text.contains("itself")));
}

#[test]
fn an_owner_reads_what_is_wrong_why_and_what_to_do_by_when() {
    let mut payroll = app("payroll", &["ann@example.org"]);
    payroll.runbook = "https://wiki.example.org/payroll?step=1&who=<me>".parse().ok();
    let apps = [
        (app("sync", &["ann@example.org"]), Verdict::Valid, Some("2026-11-20")),
        (payroll, Verdict::InvalidSecret, Some("2026-11-08")),
        (app("other", &["bob@example.org"]), Verdict::Unreachable, None),
    ];
    let mails = mails(&apps, &[], |assessment| {
        assessment.test.http_status = Some(401);
        assessment.test.error = Some("invalid_client".to_owned());
        assessment.test.error_codes = vec![7_000_215];
        assessment.test.trace_id = Some("5f2b".to_owned());
    });
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].to, "ann@example.org");
    assert_eq!(mails[0].subject, "[credwatch] 2 credentials need you: payroll: invalid secret");
    insta::assert_snapshot!(mails[0].text.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @"
    2 credentials need you.

    The last run before this one was 3 days ago.

    CRITICAL  payroll - 7 days left
      invalid-secret: The test ended as invalid_secret.
      To do: Make a new secret and put it in its place.
      expiring: It expires soon.
      To do: Make a new secret and put it in its place.
      By: now
      Runbook: https://wiki.example.org/payroll?step=1&who=%3Cme%3E
      Answer of the token endpoint: HTTP 401 invalid_client 7000215 trace 5f2b
      Registration: entra, contoso.example, client client-of-payroll

    WARNING  sync - 19 days left
      expiring: It expires soon.
      To do: Make a new secret and put it in its place.
      By: 2026-11-20T03:00:00Z
      Registration: entra, contoso.example, client client-of-sync

    -- 
    Sent because you are an owner of these credentials. credwatch VERSION, run r1, 2026-11-01T03:00:00Z
    ");
    assert_eq!(mails[1].subject, "[credwatch] other: unreachable");
}

#[test]
fn the_mail_is_well_formed_and_no_answering_machine_replies_to_it() {
    let apps = [(app("payroll", &["Änne <ann@example.org>"]), Verdict::Valid, Some("2026-11-07T03:00:00Z"))];
    let raw = mails(&apps, &[], |_| ())[0].formatted();
    let mail = parse_mail(&raw).unwrap();
    let header = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
    assert_eq!(header("Subject"), "[credwatch] payroll expires in 6 days");
    assert_eq!(header("From"), "credwatch <credwatch@example.org>");
    assert_eq!(header("To"), "Änne <ann@example.org>");
    assert_eq!(header("Date"), "Sun, 01 Nov 2026 03:00:00 +0000");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert!(header("Message-ID").ends_with("@example.org>"));
    assert_eq!(mail.ctype.mimetype, "multipart/alternative");
    assert!(part(&mail, "text/plain").contains("By: 2026-11-07T03:00:00Z"));
    assert!(part(&mail, "text/html").contains("WARNING") || part(&mail, "text/html").contains("CRITICAL"));
    assert!(raw.split(|byte| *byte == b'\n').all(|line| line.len() <= 998), "RFC 5322 section 2.1.1");
}

#[test]
fn an_admin_reads_whose_it_is_and_that_nobody_looked_for_days() {
    let apps = [
        (app("orphan", &[]), Verdict::Unreachable, Some("2030-01-01")),
        (app("payroll", &["ann@example.org", "root@example.org"]), Verdict::Valid, Some("2026-10-20")),
    ];
    let mails = mails(&apps, &["root@example.org"], |_| ());
    assert_eq!(mails[1].subject, "[credwatch] 2 credentials need attention: payroll has expired");
    insta::assert_snapshot!(mails[1].text.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @"
    2 credentials need attention.

    The last run before this one was 3 days ago.

    CRITICAL  payroll - expired
      expired: It has expired.
      To do: Make a new secret and put it in its place.
      By: now
      Registration: entra, contoso.example, client client-of-payroll
      Owners: ann@example.org, root@example.org

    UNKNOWN  orphan
      unreachable: The test ended as unreachable.
      To do: Make a new secret and put it in its place.
      Registration: entra, contoso.example, client client-of-orphan
      Owners: none declared; you stand in

    -- 
    Sent because you are an admin of credwatch. credwatch VERSION, run r1, 2026-11-01T03:00:00Z
    ");
}

#[test]
fn hostile_names_are_inert() {
    let hostile = [
        "x\r\nBcc: eve@example.org\r\n\r\n<p>hi",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{ headline }}{% for x in y %}",
        "\u{1b}]0;owned\u{7}",
        "gpj\u{202e}.exe",
        "a\u{0}b\u{200b}c",
    ];
    for name in hostile {
        let mut app =
            app(name, &["Eve\r\nBcc <eve@example.org>", "Eve\r\nBcc: x@y <z@example.org>", "a\u{0}nn@example.org"]);
        app.client_id = name.to_owned();
        let apps = [(app, Verdict::InvalidSecret, Some("2026-11-05"))];
        let mails = mails(&apps, &["root@example.org"], |assessment| {
            assessment.findings.iter_mut().for_each(|finding| finding.message = name.to_owned());
            assessment.test.http_status = Some(400);
            assessment.test.error = Some(name.to_owned());
        });
        for sent in mails {
            let raw = sent.formatted();
            let mail = parse_mail(&raw).unwrap();
            assert!(mail.headers.get_first_value("Bcc").is_none(), "{name:?}");
            assert_eq!(mail.headers.get_all_values("To").len(), 1, "{name:?}");
            assert_eq!(mail.subparts.len(), 2, "{name:?}");
            let (text, html) = (part(&mail, "text/plain"), part(&mail, "text/html"));
            let subject = mail.headers.get_first_value("Subject").unwrap();
            for place in [&text, &html, &subject] {
                assert!(!place.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{name:?}");
            }
            assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<p>hi"), "{name:?}");
        }
    }
}

#[test]
fn a_very_long_list_is_cut_and_counted() {
    let apps: Vec<_> = (0..130)
        .map(|number| {
            (app(&format!("app-{number}-{}", "x".repeat(300)), &["ann@example.org"]), Verdict::Unreachable, None)
        })
        .collect();
    let mails = mails(&apps, &[], |_| ());
    assert!(mails[0].text.contains("... and 30 more; the report has them all."));
    assert!(mails[0].subject.len() < 160, "{}", mails[0].subject);
    assert!(mails[0].formatted().len() < 200_000);
}

#[test]
fn a_test_message_says_that_it_is_one() {
    let letter = test_letter("mail", at("2026-11-01")).unwrap();
    assert_eq!(letter.subject, "[credwatch] test message");
    insta::assert_snapshot!(letter.text.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @"
    This is a test of the channel mail. Nothing is wrong, and nothing is to be done.

    -- 
    credwatch VERSION, 2026-11-01T03:00:00Z
    ");
}

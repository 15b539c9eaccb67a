//! Mail through Postfix: TLS both ways, the login, who hears what, and silence on the second night.

use crate::{
    mailbox::{Mail, mails},
    night::Night,
    server::Server,
};

/// A night whose settings mail through the channels given as (name, published port, tls).
fn night(postfix: &Server, admin: &str, channels: &[(&str, &str, &str)]) -> Night {
    let mut night = Night::new();
    night.secret("SMTP_PASSWORD", &postfix.tells("PASSWORD"));
    night.settings(&settings(postfix, admin, channels, "SMTP_PASSWORD"));
    night
}

fn settings(postfix: &Server, admin: &str, channels: &[(&str, &str, &str)], password: &str) -> String {
    let mut yaml = format!(
        "
version: 1
ca: {}
notify:
  from: credwatch@example.org
  admins: [{admin}]
  channels:
",
        postfix.file("ca.pem")
    );
    for (name, port, tls) in channels {
        let (port, user) = (postfix.tells(port), postfix.tells("USER"));
        yaml += &format!(
            "    - {{name: {name}, type: smtp, host: localhost, port: {port}, tls: {tls}, username: {user}, password: 'env:{password}'}}\n"
        );
    }
    yaml
}

/// One app that expired long ago, and needs no server to be found out.
fn expired(name: &str, owner: &str) -> String {
    format!(
        "  - {{name: {name}, provider: oauth2, token_endpoint: 'https://id.example.org/token', client_id: {name}, expires: 2020-01-01, owners: [{owner}]}}\n"
    )
}

const STARTTLS: (&str, &str, &str) = ("mail", "STARTTLS", "starttls");
const IMPLICIT: (&str, &str, &str) = ("mail-implicit", "IMPLICIT", "implicit");
const SETTINGS: [&str; 2] = ["--config", "credwatch.yaml"];

fn assert_silent_about_secrets(night: &Night, mails: &[Mail]) {
    for mail in mails {
        night.canaries.assert_absent("a mail", &mail.raw);
        night.canaries.assert_absent("a mail's text", mail.text.as_bytes());
        night.canaries.assert_absent("a mail's page", mail.html.as_bytes());
    }
}

#[test]
fn a_test_message_goes_through_every_channel() {
    let Some(postfix) = Server::started("POSTFIX") else { return };
    let night = night(&postfix, "admin-test@example.org", &[STARTTLS, IMPLICIT]);
    let outcome = night.run(&[&["notify", "test"], &SETTINGS[..]].concat(), "");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let mails = mails(&postfix, "admin-test@example.org", 2);
    for mail in &mails {
        assert!(mail.subject.to_lowercase().contains("test"), "{}", mail.subject);
    }
    assert_silent_about_secrets(&night, &mails);
}

#[test]
fn one_channel_can_be_tested_alone() {
    let Some(postfix) = Server::started("POSTFIX") else { return };
    let night = night(&postfix, "admin-one@example.org", &[STARTTLS, IMPLICIT]);
    let outcome = night.run(&[&["notify", "test", "mail-implicit"], &SETTINGS[..]].concat(), "");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    mails(&postfix, "admin-one@example.org", 1);
}

#[test]
fn a_refused_login_is_said_and_costs_exit_3() {
    let Some(postfix) = Server::started("POSTFIX") else { return };
    let mut night = Night::new();
    night.secret("WRONG", "canary-smtp-wrong-8e1d4c7a90b3f256");
    night.settings(&settings(&postfix, "admin-login@example.org", &[STARTTLS], "WRONG"));
    let outcome = night.run(&[&["notify", "test", "-vv"], &SETTINGS[..]].concat(), "");
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let said = format!("{}{}", outcome.stdout, outcome.stderr).to_lowercase();
    assert!(said.contains("authentication"), "{said}");
}

#[test]
fn a_server_the_machine_does_not_trust_gets_no_login() {
    let Some(postfix) = Server::started("POSTFIX") else { return };
    for channel in [STARTTLS, IMPLICIT] {
        let night = night(&postfix, "admin-untrusted@example.org", &[channel]);
        let with_ca = settings(&postfix, "admin-untrusted@example.org", &[channel], "SMTP_PASSWORD");
        night.settings(&with_ca.replace(&format!("ca: {}\n", postfix.file("ca.pem")), ""));
        let outcome = night.run(&[&["notify", "test"], &SETTINGS[..]].concat(), "");
        assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    }
    mails(&postfix, "admin-untrusted@example.org", 0);
}

#[test]
fn an_owner_hears_once_and_again_when_it_is_over() {
    let Some(postfix) = Server::started("POSTFIX") else { return };
    let (owner, admin) = ("owner-night@example.org", "admin-night@example.org");
    let night = night(&postfix, admin, &[STARTTLS]);
    let expired = format!("version: 1\napps:\n{}", expired("etl-nightly", owner));

    night.inventory(&expired);
    let (first, _) = night.audit(&[]);
    assert_eq!(first.code, 1, "{}", first.stderr);
    for address in [owner, admin] {
        let mails = mails(&postfix, address, 1);
        assert!(mails[0].text.contains("etl-nightly") && mails[0].html.contains("etl-nightly"), "{address}");
        assert_silent_about_secrets(&night, &mails);
    }

    let (second, _) = night.audit(&[]);
    assert_eq!(second.code, 1, "{}", second.stderr);

    // Far away, yet no finding of its own: too long a lifetime.
    night.settings(&format!(
        "{}policy: {{max_lifetime: 36500d}}\n",
        settings(&postfix, admin, &[STARTTLS], "SMTP_PASSWORD")
    ));
    night.inventory(&expired.replace("2020-01-01", "2090-01-01"));
    let (third, _) = night.audit(&[]);
    assert_eq!(third.code, 0, "{}", third.stderr);

    // Had the second night mailed, there would be three.
    for address in [owner, admin] {
        assert_silent_about_secrets(&night, &mails(&postfix, address, 2));
    }
}

#[test]
fn an_address_refused_for_good_holds_nobody_else_up() {
    let Some(postfix) = Server::started("POSTFIX") else { return };
    let night = night(&postfix, "admin-gone@example.org", &[IMPLICIT]);
    night.inventory(&format!(
        "version: 1\napps:\n{}{}",
        expired("etl-gone", "gone@example.org"),
        expired("etl-here", "owner-here@example.org")
    ));
    let (outcome, report) = night.audit(&["--fail-on", "never"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(report.incomplete().contains("gone@example.org"), "{}", report.incomplete());
    mails(&postfix, "owner-here@example.org", 1);
    mails(&postfix, "admin-gone@example.org", 1);
}

//! From the file to valid settings, all faults at once.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use url::{Host, Url};

use super::{
    locate::locate,
    model::{HostPattern, Http, RotationLimits, Schedule, Settings},
    notify, raw, remote,
};
use crate::{
    assess::Policy,
    period::Period,
    secret::{ExecRule, is_variable},
    yaml::{self, At, Check, FaultCode, Faults, Text, Tree},
};

/// Most requests at once that one may ask for; more than that is a typing mistake.
const MAX_CONCURRENCY: usize = 4_096;

/// The settings that go with an inventory: those of `config` where one is named, else of the file that is found for the
/// first path of the inventory.
///
/// # Errors
/// Every fault of the file.
pub fn beside(config: Option<&Path>, inventory: &[PathBuf]) -> Result<Settings, Faults> {
    read(locate(config, inventory.first().map(PathBuf::as_path)).as_deref())
}

/// Reads the settings; without a file they are the defaults.
///
/// # Errors
/// Every fault of the file.
pub fn read(file: Option<&Path>) -> Result<Settings, Faults> {
    let Some(file) = file else { return Ok(Settings::default()) };
    let text = yaml::source(file)?;
    let tree = Tree::parse(&text).map_err(|lone| lone.fault(file))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut check = Check::new(folder, &[]);
    let raw: Option<raw::File> = yaml::collect(&tree.root, &At::Root, &mut check.notes);
    let mut raw = raw.unwrap_or_default();
    let exec = exec(raw.exec.take(), &mut check);
    let mut check = Check { programs: &exec, ..check };
    let settings = settings(raw, &mut check);
    let mut notes = check.notes;
    if notes.is_empty() {
        let warnings = notes.take_warnings().map(|notes| notes.placed(file, Some(&tree.root))).unwrap_or_default();
        Ok(Settings { file: Some(file.to_owned()), exec, warnings, ..settings })
    } else {
        Err(Faults(notes.placed(file, Some(&tree.root))))
    }
}

fn settings(raw: raw::File, check: &mut Check<'_>) -> Settings {
    check.version(raw.version.as_ref());
    Settings {
        file: None,
        state: state(raw.state, check),
        allow: allow(raw.allow, check),
        exec: Vec::new(),
        ca: path(&At::Root.key("ca"), raw.ca, check),
        http: http(raw.http.unwrap_or_default(), check),
        schedule: schedule(raw.schedule.unwrap_or_default(), check),
        policy: policy(raw.policy.unwrap_or_default(), check),
        listen: listen(raw.serve.unwrap_or_default(), check),
        rotation: rotation(raw.rotation.unwrap_or_default(), check),
        vault: raw.vault.and_then(|raw| remote::vault(raw, check)),
        azure_key_vault: raw.azure_key_vault.and_then(|raw| remote::azure_key_vault(raw, check)),
        hooks: remote::hooks(raw.hooks.unwrap_or_default(), check),
        management: remote::management(raw.management.unwrap_or_default(), check),
        notify: notify::notify(raw.notify.unwrap_or_default(), check),
        warnings: Vec::new(),
    }
}

fn state(text: Option<Text>, check: &mut Check<'_>) -> Option<String> {
    let at = At::Root.key("state");
    let text = check.line(&at, text)?;
    if text.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) {
        return Some(text);
    }
    let (code, message) = match Url::parse(&text) {
        Ok(url) if url.password().is_some() => (FaultCode::SecretLooksInline, "there is a password in this URL"),
        _ => (FaultCode::InvalidValue, "this version keeps its state in an SQLite file"),
    };
    check.notes.add(&at, code, message, "write `sqlite:PATH`");
    None
}

/// Hosts as URLs write them, so that they compare: lower case, punycode, an IPv6 address in brackets.
fn allow(texts: Option<Vec<Text>>, check: &mut Check<'_>) -> Option<Vec<HostPattern>> {
    let at = At::Root.key("allow");
    let mut hosts = Vec::new();
    for (index, text) in texts?.into_iter().enumerate() {
        let (wild, name) = text.strip_prefix("*.").map_or(("", &*text), |name| ("*.", name));
        let host = match name.parse::<Ipv6Addr>() {
            Ok(address) => Ok(Host::Ipv6(address)),
            Err(_) => Host::parse(name),
        };
        match host {
            Ok(host) if !name.contains(['/', '*']) => hosts.push(HostPattern(format!("{wild}{host}"))),
            _ => {
                let advice = "a name or address without scheme, port and path; `*.example.org` for all below it";
                check.notes.add(&at.index(index), FaultCode::InvalidValue, "this is no host", advice);
            }
        }
    }
    Some(hosts)
}

fn exec(raw: Option<Vec<raw::Exec>>, check: &mut Check<'_>) -> Vec<ExecRule> {
    let at = At::Root.key("exec");
    let mut rules = Vec::new();
    for (index, raw) in raw.unwrap_or_default().into_iter().enumerate() {
        let at = at.index(index);
        let at_env = at.key("env");
        let mut env = Vec::new();
        for (index, text) in raw.env.unwrap_or_default().into_iter().enumerate() {
            if is_variable(&text) {
                env.push(text.into());
            } else {
                let advice = "write the bare name; its value comes from credwatch's own environment";
                check.notes.add(&at_env.index(index), FaultCode::InvalidValue, "this is no name of a variable", advice);
            }
        }
        let program = match raw.program {
            None => check.missing(&at.key("program"), "the absolute path of the program"),
            text => program(&at.key("program"), text, check),
        };
        rules.extend(program.map(|program| ExecRule { program: program.into(), env }));
    }
    rules
}

/// The absolute path of a program.
pub fn program(at: &At<'_>, text: Option<Text>, check: &mut Check<'_>) -> Option<String> {
    let program = check.line(at, text)?;
    if Path::new(&program).is_absolute() {
        return Some(program);
    }
    let advice = "write its whole path, as in `/usr/bin/op`; credwatch looks nothing up in PATH";
    check.notes.add(at, FaultCode::InvalidValue, "this is no absolute path", advice);
    None
}

/// A file beside the settings, or anywhere by its absolute path.
fn path(at: &At<'_>, text: Option<Text>, check: &mut Check<'_>) -> Option<PathBuf> {
    let text = check.line(at, text)?;
    Some(check.folder.join(text))
}

fn http(raw: raw::Http, check: &mut Check<'_>) -> Http {
    let (usual, at) = (Http::default(), At::Root.key("http"));
    let mut count = |key, text| check.number(&at.key(key), text, 1..=MAX_CONCURRENCY);
    let (concurrency, per_host) = (count("concurrency", raw.concurrency), count("per_host", raw.per_host));
    let timeout = check.period(&at.key("timeout"), raw.timeout);
    if timeout.is_some_and(|timeout| timeout.as_std().is_zero()) {
        check.notes.add(
            &at.key("timeout"),
            FaultCode::InvalidValue,
            "nothing answers in no time",
            "the default is 30s",
        );
    }
    Http {
        proxy: proxy(&at.key("proxy"), raw.proxy, check),
        timeout: timeout.unwrap_or(usual.timeout),
        concurrency: concurrency.unwrap_or(usual.concurrency),
        per_host: per_host.unwrap_or(usual.per_host),
    }
}

/// The one URL that may be plain http to another machine: what goes through a proxy is TLS of its own.
fn proxy(at: &At<'_>, text: Option<Text>, check: &mut Check<'_>) -> Option<Url> {
    let url = Url::parse(&text?).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        let advice = "remove the part before the `@`";
        check.notes.add(at, FaultCode::SecretLooksInline, "there is a name or password in this URL", advice);
        return None;
    }
    let is_bare = |url: &Url| url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let url = url.filter(is_bare);
    if url.is_none() {
        let advice = "as in `http://proxy.example.org:3128`";
        check.notes.add(at, FaultCode::InvalidValue, "this is no URL of a proxy", advice);
    }
    url
}

fn schedule(raw: raw::Schedule, check: &mut Check<'_>) -> Schedule {
    let (usual, at) = (Schedule::default(), At::Root.key("schedule"));
    let zone = raw.timezone.map(|text| text.parse());
    if let Some(Err(_)) = zone {
        let advice = "a name of the tz database, as in `Europe/Oslo` or `UTC`";
        check.notes.add(&at.key("timezone"), FaultCode::InvalidValue, "this is no time zone", advice);
    }
    Schedule {
        cron: check.cron(&at.key("cron"), raw.cron).unwrap_or(usual.cron),
        timezone: zone.and_then(Result::ok).unwrap_or(usual.timezone),
    }
}

fn policy(raw: raw::Policy, check: &mut Check<'_>) -> Policy {
    let (usual, at) = (Policy::default(), At::Root.key("policy"));
    let warn = check.period(&at.key("warn"), raw.warn).unwrap_or(usual.warn);
    let policy = Policy {
        warn,
        critical: check.period(&at.key("critical"), raw.critical).unwrap_or(usual.critical.min(warn)),
        max_lifetime: check.period(&at.key("max_lifetime"), raw.max_lifetime).unwrap_or(usual.max_lifetime),
        never: check.choice(&at.key("never"), raw.never).unwrap_or(usual.never),
        activation: check.period(&at.key("activation"), raw.activation).unwrap_or(usual.activation),
    };
    if policy.critical > policy.warn {
        let message = "this begins before `warn`, so nothing is a warning first";
        let advice = "`critical` is the shorter of the two (defaults: warn 30d, critical 7d)";
        check.notes.warn(&at.key("critical"), FaultCode::CriticalBeforeWarn, message, advice);
    }
    policy
}

fn listen(raw: raw::Serve, check: &mut Check<'_>) -> SocketAddr {
    let usual = Settings::default().listen;
    let Some(text) = raw.listen else { return usual };
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    if let Some(address) = local.map(|port| (Ipv4Addr::LOCALHOST, port).into()).or_else(|| text.parse().ok()) {
        return address;
    }
    let advice = "an address and a port, as in `127.0.0.1:9464` or `[::]:9464`";
    let at = At::Root.key("serve");
    check.notes.add(&at.key("listen"), FaultCode::InvalidValue, "nothing can listen there", advice);
    usual
}

fn rotation(raw: raw::Rotation, check: &mut Check<'_>) -> RotationLimits {
    let (usual, at) = (RotationLimits::default(), At::Root.key("rotation"));
    let percent = raw.max_removals.map(|text| text.strip_suffix('%').and_then(|number| number.parse::<u8>().ok()));
    if percent.is_some_and(|percent| percent.is_none_or(|percent| percent > 100)) {
        let advice = "a whole number of percent, as in `10%`";
        check.notes.add(&at.key("max_removals"), FaultCode::InvalidValue, "this is no share", advice);
    }
    let mut time = |key, text, usual: Period| {
        let time = check.period(&at.key(key), text).unwrap_or(usual);
        if time < usual {
            let message = format!("this is shorter than the default of {usual}");
            let advice = "remove the key, unless a shorter time was measured here";
            check.notes.warn(&at.key(key), FaultCode::ShortTime, message, advice);
        }
        time
    };
    RotationLimits {
        live_deadline: time("live_deadline", raw.live_deadline, usual.live_deadline),
        live_spacing: time("live_spacing", raw.live_spacing, usual.live_spacing),
        live_for: time("live_for", raw.live_for, usual.live_for),
        settle: time("settle", raw.settle, usual.settle),
        run_gap: time("run_gap", raw.run_gap, usual.run_gap),
        run_deadline: time("run_deadline", raw.run_deadline, usual.run_deadline),
        max_rotations: check
            .number(&at.key("max_rotations"), raw.max_rotations, 0..=10_000)
            .unwrap_or(usual.max_rotations),
        max_removals_percent: percent.flatten().unwrap_or(usual.max_removals_percent),
        frozen: check.flag(&at.key("frozen"), raw.frozen).unwrap_or(usual.frozen),
    }
}

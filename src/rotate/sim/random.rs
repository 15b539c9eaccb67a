//! A story by chance: everything from one seed.

use super::{
    fault::{At, Fault, Op, What},
    happening::{Happening, Which},
    provider::{Date, Kind, Lags},
    rng::Rng,
    scenario::{AppSpec, Scenario},
    store::Sort,
    world::{BEGIN, DAY, HOUR, MINUTE, Ms, SECOND},
};

#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed ^ 0x5eed);
    let few = rng.pick(1, &[1, 1, 1, 1, 2, 2, 3]);
    // One story in a hundred is a fleet, more than one run may begin.
    let count = if seed % 100 == 99 { rng.between(10, 50) } else { few };
    let apps: Vec<AppSpec> = (0..count).map(|_| app(&mut rng)).collect();
    let troubles = rng.below(9);
    let mut faults = Vec::new();
    let mut happenings = Vec::new();
    for _ in 0..troubles {
        if rng.percent(65) {
            faults.push(fault(&mut rng));
        } else {
            happenings.push(happening(&mut rng, &apps));
        }
    }
    if rng.percent(6) {
        // A holder that stands still past its lease, and another host that takes over.
        let at = At::Nth(rng.pick(Op::List, &[Op::Read, Op::Try, Op::Create, Op::Write]), u32::from(rng.percent(50)));
        faults.push(Fault { at, what: What::Pause(HOUR) });
        happenings.push((HOUR + rng.between(15, 50) * MINUTE, Happening::Run { host: 1 }));
    }
    Scenario { seed, apps, faults, happenings, dry_runs: rng.percent(10) }
}

fn app(rng: &mut Rng) -> AppSpec {
    let kind = rng.pick(
        Kind::Labelled,
        &[
            Kind::Labelled,
            Kind::Labelled,
            Kind::Labelled,
            Kind::ByValue(true),
            Kind::ByValue(false),
            Kind::Grace,
            Kind::Gap,
        ],
    );
    let overlaps = matches!(kind, Kind::Labelled | Kind::ByValue(_));
    let readable = |rng: &mut Rng| rng.pick(Sort::Cas, &[Sort::Cas, Sort::File, Sort::Plain]);
    let mut stores = vec![readable(rng)];
    for _ in 0..rng.pick(0, &[0, 1, 1, 2, 3]) {
        let sort = if overlaps && rng.percent(20) { rng.pick(Sort::Person, &[Sort::Blind]) } else { readable(rng) };
        stores.push(sort);
    }
    let strangers = if overlaps { u32::try_from(rng.pick(0, &[0, 0, 1, 2])).unwrap_or_default() } else { 0 };
    let limits = [None, None, Some(2), Some(5), Some(10)];
    let limit = rng.pick(None, &limits).filter(|limit| *limit > strangers + 2 || (*limit == 2 && strangers == 0));
    let grace = rng.pick(DAY, &[2 * DAY, 3 * DAY, 7 * DAY]);
    let empty = if stores.len() > 1 && rng.percent(15) { vec![stores.len() - 1] } else { Vec::new() };
    AppSpec {
        kind,
        lags: Lags {
            replicas: usize::try_from(rng.between(1, 4)).unwrap_or(1),
            create: rng.pick(0, &[18 * SECOND, MINUTE, 4 * MINUTE, 10 * MINUTE]),
            remove: rng.pick(0, &[MINUTE, HOUR]),
            list: rng.pick(0, &[SECOND, MINUTE, 4 * MINUTE]),
        },
        limit,
        grace,
        retire: limit == Some(2) || rng.percent(85),
        without_usage: rng.percent(75),
        tells_usage: kind == Kind::Labelled && rng.percent(40),
        hints: rng.percent(50),
        declared: rng.percent(70),
        strangers,
        ends_in: rng.between(20, 29) * DAY,
        period: if rng.percent(85) { grace + rng.between(1, 3) * DAY } else { 0 },
        date_missing: rng.percent(20),
        person: if rng.percent(90) { Some(rng.between(1, 30) * HOUR) } else { None },
        empty,
        lazy: false,
        stores,
    }
}

fn fault(rng: &mut Rng) -> Fault {
    let late = |rng: &mut Rng| rng.pick(SECOND, &[20 * SECOND, MINUTE, 10 * MINUTE, HOUR, 20 * HOUR]);
    let what = match rng.below(12) {
        0 | 1 => What::KillBefore,
        2 | 3 => What::KillAfter,
        4 => What::KillLate(late(rng)),
        5 => What::Error,
        6 => What::LostReply,
        7 => What::LateApply(late(rng).min(HOUR)),
        8 => What::Unanswered,
        9 => What::Twice(late(rng).min(HOUR)),
        10 => rng.pick(What::Throttle(None), &[What::Throttle(Some(5 * SECOND)), What::Throttle(Some(DAY))]),
        _ => rng.pick(What::Delay(25 * SECOND), &[What::Pause(20 * MINUTE), What::Pause(8 * HOUR)]),
    };
    let records = [
        "created",
        "create-intent",
        "store-intent",
        "store-written",
        "store-acked",
        "live",
        "retire-intent",
        "retired",
    ];
    let nth = u32::try_from(rng.pick(0, &[0, 0, 1, 2])).unwrap_or_default();
    let at = match rng.below(5) {
        // At the calls that matter.
        0 | 1 => At::Nth(rng.pick(Op::Create, &[Op::Create, Op::Remove, Op::Write, Op::Write]), nth),
        2 if matches!(what, What::KillBefore | What::KillAfter | What::Error | What::LostReply) => {
            At::Append(rng.pick("planned", &records), nth)
        }
        _ => At::Io(u32::try_from(rng.below(140)).unwrap_or_default()),
    };
    Fault { at, what }
}

fn happening(rng: &mut Rng, apps: &[AppSpec]) -> (Ms, Happening) {
    let app = usize::try_from(rng.below(u64::try_from(apps.len()).unwrap_or(1))).unwrap_or_default();
    let stores = apps.get(app).map_or(1, |spec| spec.stores.len());
    let store = usize::try_from(rng.below(u64::try_from(stores).unwrap_or(1))).unwrap_or_default();
    // In the middle of a run, or at any time.
    let night = HOUR + rng.below(8) * DAY;
    let at = if rng.percent(60) { night + rng.below(25 * MINUTE) } else { rng.below(12 * DAY) };
    let lasts = rng.pick(MINUTE, &[HOUR, 30 * HOUR, 5 * DAY]);
    let is_handed = apps
        .get(app)
        .and_then(|spec| spec.stores.get(store))
        .is_some_and(|sort| matches!(sort, Sort::Person | Sort::Blind));
    let happening = match rng.below(18) {
        0 => Happening::StrangerAdds { app },
        1 => {
            let which = rng.pick(Which::Predecessor, &[Which::Successor, Which::Stranger]);
            Happening::StrangerRemoves { app, which }
        }
        2 | 3 if !is_handed => {
            let every = rng.pick(5 * MINUTE, &[HOUR, DAY]);
            let times = u32::try_from(rng.between(1, 5)).unwrap_or(1);
            Happening::Reverted { app, store, times, every }
        }
        4 if !is_handed => Happening::Overwritten { app, store },
        5 if !is_handed => Happening::Emptied { app, store },
        6 => Happening::Bumped { app, store },
        7 => Happening::StoreDown { app, store, lasts },
        8 => Happening::ProviderDown { app, lasts },
        9 => {
            let hour = i64::try_from(HOUR).unwrap_or_default();
            let by =
                rng.pick(hour, &[-hour, 24 * hour, -24 * hour, 10 * 365 * 24 * hour, -10 * 365 * 24 * hour, 60_000]);
            Happening::Clock { host: 0, by, lasts }
        }
        10 => {
            let day = i64::try_from(DAY).unwrap_or_default();
            let date = rng.pick(
                Date::Missing,
                &[Date::Off(400 * day), Date::Off(-400 * day), Date::Off(day), Date::Frozen(BEGIN)],
            );
            Happening::Date { app, date, lasts }
        }
        11 => Happening::Restored { age: rng.pick(HOUR, &[MINUTE, DAY, 3 * DAY]) },
        12 | 13 => Happening::Run { host: usize::from(rng.percent(50)) },
        14 => Happening::Abort { app },
        15 => Happening::RetireAsked { app },
        16 => Happening::LateConsumer { app, lasts },
        _ => Happening::Resolved { app },
    };
    (at, happening)
}

//! Two runs on one state.

use std::{thread, time::Duration};

use crate::home::Home;

#[test]
fn of_two_runs_at_once_one_works_and_the_other_exits_75() {
    for skew in [0, 1, 5, 20, 100] {
        let home = Home::new();
        home.watched(|| {
            let first = home.start(None);
            thread::sleep(Duration::from_millis(skew));
            let second = home.start(None);
            let ended = [first, second].map(|child| home.ended(&child.wait_with_output().unwrap()).unwrap());
            let mut codes = ended.iter().map(|ended| ended.code.unwrap()).collect::<Vec<_>>();
            codes.sort_unstable();
            assert_eq!(codes, [0, 75], "{ended:?}");
            let locked = ended.iter().find(|ended| ended.code == Some(75)).unwrap();
            assert!(locked.log.contains("another"), "{}", locked.log);
            home.finish()
        })
        .unwrap();
        assert_eq!(home.tenant.creates(), 1);
    }
}

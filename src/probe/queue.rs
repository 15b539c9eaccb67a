//! Who may start: at most so many at one host, and so many altogether.
//!
//! A job waits for its host first and takes one of the common places only then, so that a slow host fills its own
//! places and nobody else's. Hosts take turns.

use std::collections::{HashMap, VecDeque};

/// Jobs waiting for a place at their host and then for a common one.
pub(super) struct Queue<T> {
    hosts: Vec<Host<T>>,
    numbers: HashMap<String, HostNumber>,
    /// Hosts with a waiting job and a free place, each once, next first.
    ready: VecDeque<HostNumber>,
    per_host: usize,
    free: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HostNumber(usize);

struct Host<T> {
    waiting: VecDeque<T>,
    running: usize,
    is_ready: bool,
}

impl<T> Queue<T> {
    /// Limits below one count as one.
    pub(super) fn new(per_host: usize, overall: usize) -> Self {
        let (per_host, free) = (per_host.max(1), overall.max(1));
        Self { hosts: Vec::new(), numbers: HashMap::new(), ready: VecDeque::new(), per_host, free }
    }

    pub(super) fn push(&mut self, host: &str, job: T) {
        let number = self.numbers.get(host).copied().unwrap_or_else(|| {
            let number = HostNumber(self.hosts.len());
            self.hosts.push(Host { waiting: VecDeque::new(), running: 0, is_ready: false });
            self.numbers.insert(host.to_owned(), number);
            number
        });
        if let Some(host) = self.hosts.get_mut(number.0) {
            host.waiting.push_back(job);
        }
        self.list(number);
    }

    /// The next job that may start; [`Queue::finish`] gives its places back.
    pub(super) fn next(&mut self) -> Option<(HostNumber, T)> {
        if self.free == 0 {
            return None;
        }
        let number = self.ready.pop_front()?;
        let host = self.hosts.get_mut(number.0)?;
        host.is_ready = false;
        let job = host.waiting.pop_front()?;
        host.running += 1;
        self.free -= 1;
        self.list(number);
        Some((number, job))
    }

    pub(super) fn finish(&mut self, number: HostNumber) {
        if let Some(host) = self.hosts.get_mut(number.0) {
            host.running = host.running.saturating_sub(1);
            self.free += 1;
        }
        self.list(number);
    }

    fn list(&mut self, number: HostNumber) {
        let per_host = self.per_host;
        if let Some(host) = self.hosts.get_mut(number.0)
            && !host.is_ready
            && !host.waiting.is_empty()
            && host.running < per_host
        {
            host.is_ready = true;
            self.ready.push_back(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slow_host_takes_none_of_the_places_of_another() {
        let mut queue = Queue::new(2, 4);
        (0..9).for_each(|job| queue.push("slow", job));
        (10..13).for_each(|job| queue.push("quick", job));
        let started: Vec<i32> = std::iter::from_fn(|| queue.next()).map(|(_, job)| job).collect();
        assert_eq!(started, [0, 10, 1, 11]);
    }

    #[test]
    fn a_place_given_back_goes_to_the_next() {
        let mut queue = Queue::new(1, 1);
        queue.push("a", 1);
        queue.push("a", 2);
        queue.push("b", 3);
        let (first, _) = queue.next().unwrap();
        assert!(queue.next().is_none());
        queue.finish(first);
        assert_eq!(queue.next().unwrap().1, 3);
    }

    proptest! {
        #[test]
        fn limits_hold_and_every_job_starts_once(jobs in prop::collection::vec(0_usize..5, 0..60), per_host in 1_usize..4, overall in 1_usize..7) {
            let mut queue = Queue::new(per_host, overall);
            jobs.iter().enumerate().for_each(|(job, host)| queue.push(&host.to_string(), (job, *host)));
            let (mut running, mut started) = (VecDeque::new(), Vec::new());
            loop {
                while let Some((number, (job, host))) = queue.next() {
                    started.push(job);
                    running.push_back((number, host));
                }
                prop_assert!(running.len() <= overall);
                prop_assert!((0..5).all(|host| running.iter().filter(|(_, h)| *h == host).count() <= per_host));
                let Some((number, _)) = running.pop_front() else { break };
                queue.finish(number);
            }
            started.sort_unstable();
            prop_assert_eq!(started, (0..jobs.len()).collect::<Vec<_>>());
        }
    }
}

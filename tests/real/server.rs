//! A server that was started for the tests, known by the variables it published.

use std::env;

pub struct Server(&'static str);

impl Server {
    /// `None`, with a line saying so, when nobody started it.
    pub fn started(name: &'static str) -> Option<Self> {
        let server = Self(name);
        if env::var(server.variable("DIR")).is_ok() {
            return Some(server);
        }
        println!("skipped: no {name} here; tests/run starts it");
        assert!(env::var("CI").as_deref() != Ok("true"), "{name} was not started, and CI=true accepts no skip");
        None
    }

    /// What the server published under this name.
    pub fn tells(&self, what: &str) -> String {
        let variable = self.variable(what);
        env::var(&variable).unwrap_or_else(|_| panic!("{variable} is not set"))
    }

    /// A file in the server's folder.
    pub fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.tells("DIR"))
    }

    fn variable(&self, what: &str) -> String {
        format!("CREDWATCH_TEST_{}_{what}", self.0)
    }
}

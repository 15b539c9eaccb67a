mod aborts;
mod clean;
mod levels;
mod regressions;
mod sabotage;
mod stories;
mod told;

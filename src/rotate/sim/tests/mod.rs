mod clean;
mod levels;
mod regressions;
mod sabotage;

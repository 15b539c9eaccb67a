mod clean;
mod levels;

mod clean;
mod levels;
mod sabotage;

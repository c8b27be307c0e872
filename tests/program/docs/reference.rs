//! The reference of the command line is made of the command line itself.

use std::fmt::Write as _;
use std::fs;

use clap::{Arg, Command};

use super::pages::root;

const PAGE: &str = "docs/cli.md";
const BEGIN: &str =
    "<!-- Generated from src/cli: `UPDATE_DOCS=1 cargo test -p trialbook --test program docs` -->\n";
const END: &str = "<!-- The end of what is generated. -->\n";

/// Returns a text that stays what it is in a cell of a table.
fn cell(text: &str) -> String {
    let mut out = String::new();
    let mut code = false;
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '`' => code = !code,
            '|' | '<' | '*' | '_' if !code => out.push('\\'),
            '|' => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Returns how an argument is written, such as `--at TIME` or `[PATH]…`.
fn form(argument: &Arg) -> String {
    let value = || {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let many = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
    let dots = if many { "…" } else { "" };
    let Some(long) = argument.get_long() else {
        return if argument.is_required_set() { value() + dots } else { format!("[{}]{dots}", value()) };
    };
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    match argument.get_action().takes_values() {
        true => format!("{short}--{long} {}{dots}", value()),
        false => format!("{short}--{long}"),
    }
}

/// Returns what an argument does: its text, the values that it takes, and the one that it has when left out.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    // The first paragraph of a help text has no full stop, as a terminal shows it alone.
    let sentence = |paragraph: &str| format!("{}.", cell(paragraph).trim_end_matches('.'));
    let mut text = help.split("\n\n").map(sentence).collect::<Vec<_>>().join(" ");
    let values: Vec<_> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if argument.get_action().takes_values() && !values.is_empty() {
        let _ = write!(text, " One of {}.", values.join(", "));
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, " Default: {}.", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, " Environment: `{}`.", variable.to_string_lossy());
    }
    text
}

fn table(out: &mut String, arguments: &[&Arg]) {
    out.push_str("| argument | meaning |\n| --- | --- |\n");
    for argument in arguments {
        let _ = writeln!(out, "| `{}` | {} |", form(argument).replace('|', "\\|"), meaning(argument));
    }
    out.push('\n');
}

fn shown(argument: &&Arg) -> bool {
    !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
}

fn section(out: &mut String, command: &Command, name: &str) {
    let text = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(
        out,
        "### {name}\n\n{}\n",
        text.trim().replacen("\n\n", ".\n\n", 1).trim_end_matches('.').to_owned() + "."
    );
    let own: Vec<_> =
        command.get_arguments().filter(shown).filter(|argument| !argument.is_global_set()).collect();
    if !own.is_empty() {
        table(out, &own);
    }
    for sub in command.get_subcommands() {
        section(out, sub, &format!("{name} {}", sub.get_name()));
    }
}

fn reference() -> String {
    let program = trialbook::cli::command();
    let mut out = String::from("### Every command\n\n");
    let global: Vec<_> =
        program.get_arguments().filter(shown).filter(|argument| argument.is_global_set()).collect();
    table(&mut out, &global);
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        section(&mut out, command, command.get_name());
    }
    out
}

#[test]
fn the_reference_of_the_command_line_is_up_to_date() {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("the page has a generated part");
    let (was, after) = rest.split_once(END).expect("the generated part ends");
    let now = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}\n{now}{END}{after}")).expect("a page can be written");
    } else {
        assert_eq!(
            was.trim(),
            now.trim(),
            "stale: run `UPDATE_DOCS=1 cargo test -p trialbook --test program docs`"
        );
    }
}

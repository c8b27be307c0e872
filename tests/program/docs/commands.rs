//! No page names a command or an option that does not exist.

use clap::Command;
use clap::error::ErrorKind;

use super::pages::{Block, pages, parse};

/// Splits a line of a shell into commands, each a list of words. Substitutions stay part of their word, and
/// redirections begin a command that is none of trialbook's.
fn split(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words) = (Vec::new(), Vec::new());
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => word.extend(characters.next()),
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, '\\') => word.extend(characters.next()),
            (None, '#') if !begun && word.is_empty() => break,
            (None, c) if c.is_whitespace() || "|;&<>()".contains(c) => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
                if !c.is_whitespace() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            (None, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    commands.push(words);
    commands
}

/// Returns the arguments of a call of trialbook; `None` for other commands.
fn arguments(words: &[String]) -> Option<&[String]> {
    let before = |word: &String| {
        matches!(&**word, "do" | "then" | "if" | "!" | "time" | "exec" | "run:" | "-" | "script:")
            || word
                .split_once('=')
                .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let words = words.get(words.iter().take_while(|word| before(word)).count()..)?;
    match words {
        [program, rest @ ..] if program == "trialbook" => Some(rest),
        [cargo, run, rest @ ..] if cargo == "cargo" && run == "run" => {
            rest.iter().position(|word| word == "--").and_then(|at| rest.get(at + 1..))
        }
        _ => None,
    }
}

/// Returns the lines of a block in which commands may be, without what a shell prints; continued lines are joined.
fn lines(block: &Block) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let console = block.info.starts_with("console");
    let mut joins = false;
    for line in block.text.lines() {
        let line = match (console, line.strip_prefix("$ "), line.strip_prefix("> ")) {
            (false, ..) => line,
            (true, Some(line), _) | (true, None, Some(line)) => line,
            (true, None, None) => {
                joins = false;
                continue;
            }
        };
        let (text, continues) = line.strip_suffix('\\').map_or((line, false), |text| (text, true));
        match lines.last_mut() {
            Some(last) if joins => last.push_str(text),
            _ => lines.push(text.to_owned()),
        }
        joins = continues;
    }
    lines
}

/// Returns why a call is not one that the program understands.
fn complaint(arguments: &[String]) -> Option<String> {
    let words = std::iter::once("trialbook").chain(arguments.iter().map(String::as_str));
    let error = trialbook::cli::command().try_get_matches_from(words).err()?;
    let fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        // Only a shell knows the value.
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            arguments.iter().any(|word| word.starts_with('$'))
        }
        _ => false,
    };
    (!fine).then(|| error.to_string())
}

#[test]
fn every_command_of_a_block_is_one_that_the_program_understands() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in pages() {
        let shells = ["sh", "console", "yaml"];
        let is_shell =
            |block: &&Block| shells.iter().any(|shell| block.info.split(' ').next() == Some(shell));
        for block in parse(&text).blocks.iter().filter(is_shell) {
            for words in lines(block).iter().flat_map(|line| split(line)) {
                let Some(arguments) = arguments(&words) else { continue };
                seen += 1;
                if let Some(complaint) = complaint(arguments) {
                    wrong.push(format!("{}:{}: {words:?}\n{complaint}", path.display(), block.line));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "the blocks are read: {seen}");
}

/// Tells whether a command has an option.
fn has(command: &Command, name: &str) -> bool {
    let named = |argument: &clap::Arg| {
        argument.get_long() == Some(name)
            || argument.get_visible_aliases().is_some_and(|names| names.contains(&name))
    };
    command.get_arguments().any(named)
}

/// Tells whether any command has an option.
fn is_anywhere(command: &Command, name: &str) -> bool {
    has(command, name) || command.get_subcommands().any(|command| is_anywhere(command, name))
}

/// Returns the commands, options and rules that a phrase such as `plan --adopt FLAG` names and that are not there.
/// An option without a command before it may be any command's.
fn unknown(program: &Command, phrase: &str) -> Vec<String> {
    let (named, phrase) = match phrase.strip_prefix("trialbook ") {
        Some(rest) => (true, rest),
        None => (false, phrase),
    };
    let words: Vec<_> = phrase.split_whitespace().collect();
    let (mut command, mut unknown) = (program, Vec::new());
    for (at, word) in words.iter().enumerate() {
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split(['=', '`', ']', ',']).next().unwrap_or_default();
            if name.is_empty() || name.starts_with('-') {
                break;
            }
            if !(has(command, name) || at == 0 && is_anywhere(program, name)) {
                unknown.push(format!("--{name}"));
            }
        } else if let Some(sub) = command.find_subcommand(word) {
            command = sub;
        } else if at == 0 {
            let placeholder = word.chars().all(|c| c.is_ascii_uppercase() || "…[]<>".contains(c));
            if named && !placeholder {
                unknown.push((*word).to_owned());
            }
            break;
        } else if command.get_name() == "explain"
            && at == 1
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        {
            let known = *word == "exit-codes" || trialbook_lint::check::rule(word).is_some();
            unknown.extend((!known).then(|| (*word).to_owned()));
        }
    }
    unknown
}

#[test]
fn every_command_and_option_in_a_sentence_exists() {
    let mut program = trialbook::cli::command();
    program.build();
    let mut wrong = Vec::new();
    for (path, text) in pages() {
        for (line, span) in parse(&text).spans {
            let unknown = unknown(&program, &span);
            if !unknown.is_empty() {
                wrong.push(format!("{}:{line}: `{span}` names {}", path.display(), unknown.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    let words = |line: &str| split(line).concat();
    for (line, right) in [
        ("trialbook lint --against origin/main --format sarif=lint.sarif", true),
        ("trialbook lint --versus origin/main", false),
        ("trialbook publish", false),
        ("FOO=1 trialbook plan --out 'a plan'", true),
    ] {
        let words = words(line);
        let arguments = arguments(&words).expect("a call of trialbook");
        assert_eq!(complaint(arguments).is_none(), right, "{line}");
    }
    let mut program = trialbook::cli::command();
    program.build();
    assert_eq!(unknown(&program, "plan --adopt FLAG"), Vec::<String>::new());
    assert_eq!(unknown(&program, "plan --adapt FLAG"), ["--adapt"]);
    assert_eq!(unknown(&program, "--adopt"), Vec::<String>::new());
    assert_eq!(unknown(&program, "--adapt"), ["--adapt"]);
    assert_eq!(unknown(&program, "trialbook explain overlapping-slots"), Vec::<String>::new());
    assert_eq!(unknown(&program, "trialbook explain overlapping-slot"), ["overlapping-slot"]);
    assert_eq!(unknown(&program, "trialbook publish"), ["publish"]);
    assert_eq!(unknown(&program, "trialbook driver install --now"), ["--now"]);
}

//! What a shell and `man` are given.

use assert_cmd::Command;

fn trialbook() -> Command {
    Command::cargo_bin("trialbook").expect("the binary is built")
}

#[test]
fn each_shell_gets_a_script_that_completes_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = trialbook().args(["completions", shell]).output().expect("it runs");
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).expect("UTF-8");
        for command in trialbook::cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        assert!(script.contains("detailed-exitcode"), "{shell}: an option");
    }
    trialbook().args(["completions", "cmd"]).assert().code(64);
}

#[test]
fn bash_completes_a_command_and_its_options() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = trialbook().args(["completions", "bash"]).output().expect("it runs").stdout;
    let path = folder.path().join("trialbook");
    std::fs::write(&path, script).expect("a file");
    let completed = |line: &str, word: usize| {
        let ask = format!(
            "source '{}' || exit 9\nCOMP_WORDS=({line})\nCOMP_CWORD={word}\n_trialbook trialbook \"${{COMP_WORDS[{word}]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        let output = std::process::Command::new("bash").args(["--norc", "-c", &ask]).output().expect("bash");
        String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed("trialbook anal", 1), ["analyze"]);
    assert_eq!(completed("trialbook plan --detailed", 2), ["--detailed-exitcode"]);
}

#[test]
fn each_command_has_a_manual_page_with_its_options() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("share/man/man1");
    trialbook().arg("man").arg(&pages).assert().success();
    let read = |name: &str| std::fs::read_to_string(pages.join(format!("{name}.1"))).expect("a page");
    for command in trialbook::cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let page = read(&format!("trialbook-{}", command.get_name()));
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{page}");
    }
    assert!(read("trialbook-plan").contains("detailed"));
    assert!(
        read("trialbook").contains("trialbook\\-lint(1)"),
        "the program's page names those of its commands"
    );
}

//! Random changes of both sides, merged as git itself merges them.

use std::process::Command;

use super::repo::{Repo, paths, text};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("32 bits") % end
    }
}

const FILES: [&str; 4] = ["a.segment.yaml", "b.segment.yaml", "c.segment.yaml", "d.segment.yaml"];

/// Edits, moves, deletes and adds files; says whether it moved one.
fn change(repo: &Repo, numbers: &mut Numbers, side: &str) -> bool {
    let mut moved = false;
    for file in FILES {
        let path = repo.root.join(file);
        if !path.exists() {
            continue;
        }
        let mut lines: Vec<String> =
            std::fs::read_to_string(&path).expect("a file").lines().map(str::to_owned).collect();
        for _ in 0..numbers.below(3) {
            let at = numbers.below(lines.len());
            match numbers.below(4) {
                0 => _ = lines.remove(at),
                1 => lines.insert(at, format!("# {} {side}", numbers.below(3))),
                // The same on both sides.
                2 => lines.insert(at, "# both".to_owned()),
                _ => lines[at] = format!("# {} {side}", numbers.below(3)),
            }
        }
        let end = if numbers.below(8) == 0 { "" } else { "\n" };
        std::fs::write(&path, lines.join("\n") + end).expect("a written file");
        match numbers.below(12) {
            0 => std::fs::remove_file(&path).expect("a file less"),
            1 => {
                std::fs::create_dir_all(repo.root.join(side)).expect("a folder");
                std::fs::rename(&path, repo.root.join(side).join(file)).expect("a move");
                moved = true;
            }
            _ => {}
        }
    }
    if numbers.below(3) == 0 {
        repo.write("new.segment.yaml", &format!("# {}\n", numbers.below(2)));
    }
    if numbers.below(3) == 0 {
        repo.write(&format!("{side}.segment.yaml"), &format!("# {}\n", numbers.below(2)));
    }
    moved
}

#[test]
fn random_changes_merge_as_git_merges_them() {
    let repo = Repo::new();
    for file in FILES {
        let lines: Vec<String> = (0..14).map(|n| format!("line: {n} of {file}")).collect();
        repo.write(file, &(lines.join("\n") + "\n"));
    }
    repo.commit("lines");
    let base = repo.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let cases = std::env::var("MERGES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let (mut clean, mut in_conflict) = (0, 0);
    for seed in 0..cases {
        let mut numbers = Numbers(seed * 7_919 + 1);
        repo.git(&["switch", "-q", "-C", "main", &base]);
        let mut moved = change(&repo, &mut numbers, "theirs");
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", "theirs"]);
        repo.git(&["switch", "-q", "-C", "ours", &base]);
        moved |= change(&repo, &mut numbers, "ours");
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", "ours"]);
        let merge = repo.merge().expect("a merge");
        let output = Command::new("git")
            .args(["merge-tree", "--write-tree", "--name-only", "--no-messages", "ours", "main"])
            .current_dir(&repo.root)
            .output()
            .expect("git runs");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            clean += 1;
            assert_eq!(merge.conflicts, [], "seed {seed}");
            let tree = printed.trim();
            let listed = repo.git(&["ls-tree", "-r", "--name-only", tree]);
            assert_eq!(paths(&merge), listed.lines().collect::<Vec<_>>(), "seed {seed}");
            for path in listed.lines() {
                let expected = repo.git(&["show", &format!("{tree}:{path}")]);
                assert_eq!(text(&merge, path), Some(expected.as_str()), "seed {seed}: {path}");
            }
        } else if !moved {
            in_conflict += 1;
            let mut expected: Vec<&str> = printed.lines().skip(1).filter(|line| !line.is_empty()).collect();
            expected.dedup();
            let found: Vec<&str> = merge.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
            assert_eq!(found, expected, "seed {seed}");
        }
    }
    assert!(clean > cases / 8 && in_conflict > cases / 8, "{clean} clean, {in_conflict} in conflict");
}

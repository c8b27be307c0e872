//! Branches: the one that a change goes into, and new ones with a commit that no checkout made.

use super::{Commit, HistoryError, Repository};

impl Repository {
    /// Returns the revision that a branch's name stands for: the local branch, or else the same branch of `origin` or of the only
    /// remote that has it. A checkout of one commit, as CI makes it, has no local branches. Any other name is returned as it is.
    #[must_use]
    pub fn base(&self, name: &str) -> String {
        if self.git.find_branch(name, git2::BranchType::Local).is_ok() {
            return name.to_owned();
        }
        let has = |remote: &str| self.git.find_reference(&tracking(remote, name)).is_ok();
        if has("origin") {
            return tracking("origin", name);
        }
        let remotes = self.git.remotes().ok();
        let remotes = remotes.iter().flat_map(|remotes| remotes.iter().flatten().flatten());
        let with_it: Vec<&str> = remotes.filter(|remote| has(remote)).collect();
        match with_it.as_slice() {
            [only] => tracking(only, name),
            _ => name.to_owned(),
        }
    }

    /// Commits files on a new branch, and returns the commit. Nothing is checked out, and the index stays as it is. The files are named
    /// from the repository's root.
    ///
    /// # Errors
    ///
    /// [`HistoryError::BranchExists`] where there is a branch of this name; [`HistoryError::Git`] where git cannot write.
    pub fn commit_on_branch(
        &self,
        branch: &str,
        on: &Commit,
        files: &[(String, String)],
        message: &str,
    ) -> Result<Commit, HistoryError> {
        let parent = self.git.find_commit(git2::Oid::from_str(on.as_str())?)?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, text) in files {
            update.upsert(path.as_str(), self.git.blob(text.as_bytes())?, git2::FileMode::Blob);
        }
        let tree = update.create_updated(&self.git, &parent.tree()?)?;
        let tree = self.git.find_tree(tree)?;
        let author =
            self.git.signature().or_else(|_| git2::Signature::now("trialbook", "trialbook@localhost"))?;
        let commit = self.git.commit(None, &author, &author, message, &tree, &[&parent])?;
        let name = format!("refs/heads/{branch}");
        match self.git.reference(&name, commit, false, "trialbook propose") {
            Ok(_) => Ok(Commit::of(commit)),
            Err(error) if error.code() == git2::ErrorCode::Exists => {
                Err(HistoryError::BranchExists(branch.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn tracking(remote: &str, branch: &str) -> String {
    format!("refs/remotes/{remote}/{branch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(folder: &std::path::Path) -> (Repository, Commit) {
        let git = git2::Repository::init(folder).expect("a repository");
        let author = git2::Signature::now("Ann", "ann@acme.test").expect("a signature");
        let tree = git.index().and_then(|mut index| index.write_tree()).expect("a tree");
        let tree = git.find_tree(tree).expect("a tree");
        let id =
            git.commit(Some("refs/heads/work"), &author, &author, "Begin", &tree, &[]).expect("a commit");
        (Repository::of_book(folder).expect("git").expect("a repository"), Commit::of(id))
    }

    #[test]
    fn a_branch_that_is_not_there_is_that_of_the_remote() {
        let folder = tempfile::tempdir().expect("a folder");
        let (repository, commit) = repository(folder.path());
        let id = git2::Oid::from_str(commit.as_str()).expect("an id");
        let put = |name: &str| drop(repository.git.reference(name, id, true, "").expect("a reference"));
        assert_eq!(repository.base("main"), "main");
        repository.git.remote("fork", "https://git.test/fork").expect("a remote");
        put("refs/remotes/fork/main");
        assert_eq!(repository.base("main"), "refs/remotes/fork/main");
        repository.git.remote("other", "https://git.test/other").expect("a remote");
        put("refs/remotes/other/main");
        assert_eq!(repository.base("main"), "main", "either of two could be meant");
        put("refs/remotes/origin/main");
        assert_eq!(repository.base("main"), "refs/remotes/origin/main");
        put("refs/heads/main");
        assert_eq!(repository.base("main"), "main");
    }

    #[test]
    fn a_commit_on_a_new_branch_leaves_the_checkout_alone_and_no_branch_is_moved() {
        let folder = tempfile::tempdir().expect("a folder");
        let (repository, on) = repository(folder.path());
        let files = [("a/b.flag.yaml".to_owned(), "x: 1\n".to_owned())];
        let made = repository.commit_on_branch("new", &on, &files, "Add a flag\n").expect("a commit");
        let found = repository.resolve("new").expect("a branch");
        assert_eq!(found, made);
        let text = repository.git.revparse_single("new:a/b.flag.yaml").expect("a file");
        assert_eq!(text.as_blob().expect("a file").content(), b"x: 1\n");
        assert!(!folder.path().join("a").exists());
        let again = repository.commit_on_branch("new", &on, &[], "Again\n");
        assert!(matches!(again, Err(HistoryError::BranchExists(name)) if name == "new"));
        assert_eq!(repository.resolve("new").expect("a branch"), made);
    }
}

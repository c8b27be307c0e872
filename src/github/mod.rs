//! GitHub: the pull request that launched an experiment, and its one comment.

//! Where data lives: connections and SQL dialects.

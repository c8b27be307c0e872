//! Flag back ends: reading what is live, writing what is planned.

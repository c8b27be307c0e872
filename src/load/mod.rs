//! Files to `Book`: discover, parse with spans, check against the schema, lower.

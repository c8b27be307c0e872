//! Source text, byte spans, and the line index that turns an offset into a line and a column.

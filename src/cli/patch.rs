//! Printing a patch.

use std::io::{self, IsTerminal as _, Write as _};

use crate::report::findings::visible;

/// Prints a patch on stdout: byte for byte where a program reads it, with nothing hidden where a person does.
pub(super) fn print(patch: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if !stdout.is_terminal() {
        return stdout.write_all(patch.as_bytes());
    }
    for line in patch.split_inclusive('\n') {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        write!(stdout, "{}{end}", visible(text.trim_end_matches('\r')))?;
    }
    Ok(())
}

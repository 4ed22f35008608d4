//! Whether this library is, on disk and in memory, the one that was built: checked before an HSM works.

use std::fs;
use std::ops::Range;

use strongroom_boundary::check_integrity;

/// A mapping of the library.
struct Mapping {
    addresses: Range<usize>,
    is_code: bool,
    offset: usize,
}

/// Checks the file against the value beside it (`<file>.hmac`), and the code in memory against the file.
///
/// # Errors
/// What is wrong with which file, for people.
pub(crate) fn check() -> Result<(), String> {
    let (path, mappings) = own_mappings().ok_or("the loaded library cannot be found")?;
    let read = |path: &str| fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"));
    let library = read(&path)?;
    let value = String::from_utf8(read(&format!("{path}.hmac"))?).unwrap_or_default();
    check_integrity(&library, &value).map_err(|error| format!("{path}: {}", error.text))?;
    for mapping in mappings.iter().filter(|mapping| mapping.is_code) {
        // SAFETY: the code of this library, which stays mapped while it runs. Nothing writes to it.
        let code = unsafe {
            std::slice::from_raw_parts(mapping.addresses.start as *const u8, mapping.addresses.len())
        };
        let file = library.get(mapping.offset..).unwrap_or_default();
        let length = code.len().min(file.len()); // the last page goes on after the end of the file
        if length == 0 || code[..length] != file[..length] {
            return Err(format!("{path}: the code in memory is not that of the file"));
        }
    }
    Ok(())
}

/// The file that this code was loaded from, and where it is mapped.
fn own_mappings() -> Option<(String, Vec<Mapping>)> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let here = check as *const () as usize;
    let parsed: Vec<_> = maps.lines().filter_map(parse).collect();
    let path = parsed.iter().find(|(_, mapping)| mapping.addresses.contains(&here))?.0.to_owned();
    let own = parsed.into_iter().filter(|(of, _)| *of == path).map(|(_, mapping)| mapping).collect();
    Some((path, own))
}

/// A line of proc_pid_maps(5): `start-end rights offset device inode path`.
fn parse(line: &str) -> Option<(&str, Mapping)> {
    let path = &line[line.find('/')?..];
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let is_code = words.next()?.contains('x');
    let number = |digits| usize::from_str_radix(digits, 16).ok();
    let offset = number(words.next()?)?;
    Some((path, Mapping { addresses: number(start)?..number(end)?, is_code, offset }))
}

//! Files of the user: the new text is there whole, or the old one is.

use std::io::{Result, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Give a file another text. It is written beside it, brought to the disk, and takes its place in
/// one step; mode and owner stay, and a link stays a link to the file that is replaced.
pub fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let path = std::fs::canonicalize(path)?;
    let mut file = beside(&path)?;
    file.write_all(text)?;
    let old = std::fs::metadata(&path)?;
    keep_owner(&file, &old);
    file.as_file().set_permissions(old.permissions())?;
    take_its_place(file, &path)
}

/// Write a file that only the user may read, whole or not at all. What is no file, as
/// `/dev/stdout`, is written to.
pub fn write_private(path: &Path, text: &[u8]) -> Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if path.exists() && !path.is_file() {
        return std::fs::OpenOptions::new()
            .write(true)
            .open(&path)?
            .write_all(text);
    }
    let mut file = beside(&path)?;
    file.write_all(text)?;
    take_its_place(file, &path)
}

/// A temporary file in the same directory, which only the user may read.
fn beside(path: &Path) -> Result<NamedTempFile> {
    NamedTempFile::new_in(directory(path))
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => ".".into(),
    }
}

fn take_its_place(file: NamedTempFile, path: &Path) -> Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // The name is in the directory, which has a disk block of its own.
    if cfg!(unix) {
        std::fs::File::open(directory(path))?.sync_all()?;
    }
    Ok(())
}

/// Only root may give a file away; anybody else keeps what is theirs.
#[cfg(unix)]
fn keep_owner(file: &NamedTempFile, old: &std::fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &NamedTempFile, _: &std::fs::Metadata) {}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_link_stays_one() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("f"), directory.path().join("l"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        symlink("f", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(mode(&file), 0o640);
        assert!(link.is_symlink(), "the link is still one");
        assert_eq!(names(directory.path()), 2, "nothing else is left");
    }

    #[test]
    fn a_file_that_is_not_there_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        assert!(replace(&directory.path().join("f"), b"new").is_err());
        assert_eq!(names(directory.path()), 0);
    }

    #[test]
    fn a_private_file_is_whole_and_only_for_the_user() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        std::fs::write(&file, "something longer").unwrap();
        write_private(&file, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(mode(&file), 0o600);
        let absent = directory.path().join("no/such/f");
        assert!(write_private(&absent, b"new").is_err() && !absent.exists());
        assert_eq!(names(directory.path()), 1);
        write_private(Path::new("/dev/null"), b"new").unwrap();
        assert!(!Path::new("/dev/null").is_file(), "a device stays one");
    }
}

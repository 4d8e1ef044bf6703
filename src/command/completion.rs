//! `completion`: print a script, or write it to where it is looked for.

use crate::cli::Invocation;
use crate::cli::completion::CompletionArgs;
use crate::cli::scripts::{Installed, files, script};
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use std::path::{Path, PathBuf};

/// Run the verb.
pub(super) fn run(args: &CompletionArgs, io: &Io) -> Result<Exit, Error> {
    let invocation = Invocation::of(std::env::args_os().next().as_ref());
    if !args.install {
        io.styled(&script(args.shell, &invocation))?;
        return Ok(Exit::Done);
    }
    let folder = args.dir.clone().map_or_else(|| usual(args), Ok)?;
    for file in files(args.shell, &invocation) {
        let path = folder.join(&file.name);
        write(&path, &file)
            .map_err(|error| Error::Failed(format!("cannot write {}: {error}", path.display())))?;
        io.result(&format!("wrote {}", path.display()))?;
    }
    io.note(args.shell.hint());
    Ok(Exit::Done)
}

/// The directory of the user, as the XDG base directories have it.
fn usual(args: &CompletionArgs) -> Result<PathBuf, Error> {
    let unknown = || Error::Usage("name the directory with --dir".into());
    let home = std::env::home_dir().ok_or_else(unknown)?;
    let base = |variable: &str, below: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| home.join(below))
    };
    let data = base("XDG_DATA_HOME", ".local/share");
    let config = base("XDG_CONFIG_HOME", ".config");
    args.shell
        .usual_directory(&home, &data, &config)
        .ok_or_else(unknown)
}

fn write(path: &Path, file: &Installed) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, &file.text)?;
    #[cfg(unix)]
    if file.executable {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
